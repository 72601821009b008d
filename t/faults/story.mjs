// @ts-check
/** Histories made by hand, for the tests of the checker. */

import assert from "node:assert/strict";

import { check } from "./checker.mjs";
import { INITIAL } from "./model.mjs";

/** @typedef {import("./history.mjs").Event} Event */

export const EPOCH = "e";

/**
 * A history in which nothing is wrong: c0 watches, asks for a toggle (a) and
 * for an addition (b), and is told; then everything is read.
 */
export class Story {
  constructor() {
    /** @type {Event[]} */
    this.events = [];
    this.open("c0", 1);
    this.watch("c0", 1, {});
    this.ask("c0", 1, { type: "token", id: "a", service: "toggle" });
    this.change("c0", 1, this.toggle(1));
    this.ok("c0", 1, "a", 2);
    this.ask("c0", 1, add("b", 5));
    this.change("c0", 1, this.add("b", 3, 5));
    this.ok("c0", 1, "b", 4);
  }

  /**
   * @param {string} client
   * @param {number} conn
   * @param {string} type
   * @param {any} data
   */
  push(client, conn, type, data) {
    this.events.push({ t: 0, client, conn, type, data });
    return this;
  }

  /** @param {string} client @param {number} conn */
  open(client, conn, twin = false) {
    this.push(client, conn, "open", { worker: conn, twin });
    return this.told(client, conn, { type: "hello", epoch: EPOCH, seq: 0 });
  }

  /** @param {string} client @param {number} conn @param {any} message */
  ask(client, conn, message) {
    return this.push(client, conn, "ask", message);
  }

  /** @param {string} client @param {number} conn @param {any} message */
  told(client, conn, message) {
    return this.push(client, conn, "told", message);
  }

  /**
   * @param {string} client
   * @param {number} conn
   * @param {string} id
   * @param {number} seq
   */
  ok(client, conn, id, seq) {
    return this.told(client, conn, { type: "outcome", id, outcome: "ok", seq });
  }

  /**
   * Watches the history, switch and the family.
   * @param {string} client
   * @param {number} conn
   * @param {Record<string, number>} cursors
   */
  watch(client, conn, cursors) {
    const kinds = { history: "log", "n/*": "family" };

    for (const channel of ["history", ...Object.keys(INITIAL), "n/*"]) {
      const kind = kinds[/** @type {keyof kinds} */ (channel)] ?? "atom";
      const seq = cursors[channel];
      const recovered = seq !== undefined;
      const cursor = recovered ? { epoch: EPOCH, seq } : {};

      this.ask(client, conn, { type: "watch", channel, ...cursor });
      this.told(client, conn, { type: "watching", channel, kind, recovered });

      if (recovered) continue;

      if (kind === "atom") {
        const value = INITIAL[channel];
        this.told(client, conn, { type: "atom", channel, seq: 0, value });
      } else {
        this.told(client, conn, { type: "synced", channel, seq: 0 });
      }
    }

    return this;
  }

  /** @param {number} seq */
  toggle(seq, token = "a", value = seq === 1) {
    return [
      { type: "atom", channel: "switch", seq, value },
      record(seq + 1, token, { op: "toggle", value: null }),
    ];
  }

  /** @param {string} token @param {number} seq @param {number} n */
  add(token, seq, n) {
    const atom = { type: "atom", channel: "n/x", watch: "n/*", seq, value: n };
    const value = { op: "add", value: { key: "x", n } };
    return [atom, record(seq + 1, token, value)];
  }

  /** @param {string} client @param {number} conn @param {any[]} messages */
  change(client, conn, messages) {
    for (const message of messages) this.told(client, conn, message);
    return this;
  }

  /** The end: readers that see all records that c0 was told of, and more. */
  end(records = [...this.toggle(1), ...this.add("b", 3, 5)]) {
    ["reader 1", "reader 2"].forEach((reader, i) => {
      this.open(reader, 101 + i).watch(reader, 101 + i, {});
      this.change(reader, 101 + i, records);
    });

    return this;
  }

  /** The kinds of what is complained of. */
  codes() {
    return [...new Set(check(this.events).map(({ code }) => code))];
  }

  /** The same, without the first event that is like it. @param {any} like */
  without(like) {
    const i = this.events.findIndex(
      ({ type, data }) =>
        type === "told" &&
        Object.entries(like).every(([name, value]) => data[name] === value),
    );
    assert.notEqual(i, -1);
    this.events.splice(i, 1);
    return this;
  }
}

/** @param {number} seq @param {string} token @param {any} value */
export const record = (seq, token, value) => ({
  type: "record",
  channel: "history",
  seq,
  token,
  user: null,
  value,
});

/** @param {string} id @param {number} n */
export const add = (id, n) => ({
  type: "token",
  id,
  service: "add",
  value: { key: "x", n },
});

/** The checker complains of it. @param {Story} story @param {string} code */
export function finds(story, code) {
  const codes = story.codes();
  assert.ok(codes.includes(code), `${code} is not in: ${codes}`);
}
