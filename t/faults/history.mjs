// @ts-check
/**
 * What happened, as the clients saw it: the only thing, with the reads at the
 * end, that the checker believes.
 *
 * A history is a list of events.  Their order is the order in which they
 * happened in the harness, which is one thread: what one client was told
 * before another asked is known for certain.
 *
 *     t        ms since the run began, for people
 *     client   "c0", "c1", ...; "observer"; "reader 1", ...: the reads at the
 *              end; "harness"
 *     conn     the number of the connection, unique in the run
 *     type     "open"    data: {worker, twin}; twin: a client's second
 *                        connection, which watches nothing
 *              "ask"     data: the message that is sent.  A token has `probe`
 *                        when its id was answered before: "repeat" (the same
 *                        request again) or "reuse" (another request)
 *              "told"    data: the message that has come
 *              "lost"    data: {code, reason}
 *              "breach"  data: {text}: the server has broken RFC 6455, JSON or
 *                        the order of messages
 *              "nemesis" data: {action, ...}
 *              "expect"  data: {presence: {...}}, {log: [...]}: what the
 *                        harness knows by itself
 *
 * In a file (KEEP=1) there is one event a line, as JSON.
 */

import { createWriteStream } from "node:fs";
import { once } from "node:events";

/**
 * @typedef {object} Event
 * @property {number} t
 * @property {string} client
 * @property {number} conn
 * @property {string} type
 * @property {any} data
 */

export class History {
  constructor() {
    /** @type {Event[]} */
    this.events = [];
    /** @type {Map<string, any>} what many are told is kept once */
    this.texts = new Map();
    this.began = performance.now();
    this.conns = 0;
  }

  /**
   * @param {string} client
   * @param {number} conn
   * @param {string} type
   * @param {any} data
   */
  record(client, conn, type, data) {
    const t = Math.round(performance.now() - this.began);
    this.events.push({ t, client, conn, type, data });
  }

  /**
   * @param {string} text
   * @returns {any} the message, or undefined: not JSON
   */
  parse(text) {
    let message = this.texts.get(text);

    if (message === undefined) {
      try {
        message = JSON.parse(text);
      } catch {
        return undefined;
      }

      if (message === null || typeof message !== "object") return undefined;

      Object.freeze(message);
      this.texts.set(text, message);

      if (this.texts.size > 20_000) this.texts.clear();
    }

    return message;
  }

  /** @param {string} file */
  async save(file) {
    const out = createWriteStream(file);

    for (const event of this.events) {
      if (!out.write(`${JSON.stringify(event)}\n`)) await once(out, "drain");
    }

    out.end();
    await once(out, "finish");
  }
}
