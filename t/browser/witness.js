// @ts-check
/** Somebody who only looks on: what the server says, without our client. */

import { once } from "node:events";

import WebSocket from "ws";

/** @typedef {{type: string, [member: string]: any}} Message */

/**
 * @param {string} frame
 * @returns {Message[]}
 */
export function messages(frame) {
  return frame.split("\n").map((text) => JSON.parse(text));
}

/**
 * Watches the journal and the votes.
 *
 * @param {string} base of the tutorial
 */
export async function witness(base) {
  const socket = new WebSocket(`${base.replace(/^http/, "ws")}/live`, "token.v1");
  /** @type {Message[]} */
  const records = [];
  /** @type {Map<string, number>} */
  const votes = new Map();
  const say = (/** @type {Message} */ message) =>
    socket.send(JSON.stringify(message));

  const known = new Promise((resolve) => {
    socket.on("message", (data) => {
      for (const message of messages(String(data))) {
        const { type, channel, value } = message;

        if (type === "ping") say({ type: "pong" });
        if (type === "record") records.push(message);
        if (type === "atom") votes.set(channel, value);
        if (type === "synced" && channel === "votes/*") resolve(channel);
      }
    });
  });

  await once(socket, "open");
  say({ type: "watch", channel: "journal" });
  say({ type: "watch", channel: "votes/*" });
  await known;

  return {
    /** the records of the journal, in order */
    records,

    /** @param {string} item */
    votes: (item) => votes.get(`votes/${item}`) ?? 0,

    async close() {
      const closed = once(socket, "close");

      socket.close();
      await closed;
    },
  };
}
