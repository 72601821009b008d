// @ts-check
/**
 * The watches of a connection: asks for each channel again after a reconnect,
 * from where it stands, and hands each message to its channel.
 *
 * @module
 */

import { Channel } from "./channel.js";

/** @typedef {import("./wire.js").Message} Message */

export class Watches {
  /**
   * @param {import("./connection.js").Connection} connection
   */
  constructor(connection) {
    this.connection = connection;
    /** @type {Map<string, Channel<any>>} */
    this.channels = new Map();
    /** @type {Set<Channel<any>>} touched by the present frame */
    this.touched = new Set();
  }

  /**
   * @template {Channel<any>} C
   * @param {string} name
   * @param {new (name: string, options?: any) => C} kind
   * @param {object} [options]
   * @returns {C} the one of that name
   */
  watch(name, kind, options) {
    const known = this.channels.get(name);
    if (known instanceof kind) return known;
    if (known) throw new TypeError(`"${name}" is watched as another kind`);

    const channel = new kind(name, options);
    channel.unwatch = () => this.unwatch(channel);
    this.channels.set(name, channel);
    this.send(channel.request());
    return channel;
  }

  /** @param {Channel<any>} channel */
  unwatch(channel) {
    if (this.channels.get(channel.name) !== channel) return;
    this.channels.delete(channel.name);
    channel.lost();
    this.send({ type: "unwatch", channel: channel.name });
  }

  hello() {
    for (const channel of this.channels.values()) this.send(channel.request());
  }

  lost() {
    for (const channel of this.channels.values()) channel.lost();
  }

  /** @param {Message} message */
  receive(message) {
    const channel = this.channels.get(message.watch ?? message.channel);
    if (!channel) return;
    channel.receive(message);
    this.touched.add(channel);
  }

  /** the messages of a frame are through */
  frame() {
    for (const channel of this.touched) channel.commit();
    this.touched.clear();
  }

  /** @param {Message} message */
  send(message) {
    this.connection.send(JSON.stringify(message));
  }
}
