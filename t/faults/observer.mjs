// @ts-check
/** Who looks at the end, past the proxy. */

import { CHANNELS } from "./client.mjs";
import { Link } from "./link.mjs";
import { until } from "./nginx.mjs";
import { Random } from "./random.mjs";
import { Tokens } from "./tokens.mjs";

/** @typedef {import("./history.mjs").History} History */

/** a change of every channel */
const CHANGE = [
  { service: "several", value: { n: 0, text: "the end" } },
  { service: "merge", value: { end: true } },
  { service: "put", value: { value: "the end" }, guess: "current" },
  { service: "add", value: { key: "k1", n: 0 } },
];

/** Watches who is there, and makes the last change. */
export class Observer {
  /**
   * @param {History} history
   * @param {number} port
   */
  constructor(history, port) {
    /** @type {any} */
    this.presence = null;
    this.version = 0;
    /** @type {any} */
    this.outcome = null;

    this.link = new Link({
      history,
      client: "observer",
      user: "observer",
      port,
      hello: () => {
        this.link.ask({ type: "watch", channel: "cas" });
        this.link.ask({ type: "watch", channel: "room" });
      },
      message: (message) => {
        if (message.type === "presence") this.presence = message;
        if (message.type === "atom") this.version = message.seq;
        if (message.type === "outcome") this.outcome = message;
      },
      lost: () => {},
    });

    this.tokens = new Tokens({
      number: 0x3fff,
      random: new Random("observer"),
      link: () => this.link,
      twin: () => null,
      version: () => this.version,
    });
  }

  /** @returns {Promise<number>} its seq */
  async change() {
    this.tokens.issue({
      wait: 0,
      requests: /** @type {any} */ (CHANGE),
      twice: null,
      cancel: null,
      again: false,
      after: null,
    });

    await until(() => this.outcome !== null, 10_000);

    return this.outcome?.seq ?? 0;
  }

  close() {
    this.link.close();
  }
}

/**
 * Reads everything, from the beginning.
 * @param {string} name
 * @param {History} history
 * @param {number} port
 */
export async function read(name, history, port) {
  let synced = false;
  let seq = 0;
  let moved = performance.now();

  const link = new Link({
    history,
    client: name,
    port,
    hello: () => {
      for (const channel of CHANNELS) link.ask({ type: "watch", channel });
    },
    message: (message) => {
      moved = performance.now();
      if (message.channel === "n/*" && message.type === "synced") synced = true;
      if (message.channel === "history" && message.type === "record") {
        seq = message.seq;
      }
    },
    lost: () => {},
  });

  /* the history's last record is the store's last change */

  await until(
    () => synced && link.hello.seq <= seq && performance.now() - moved > 300,
    10_000,
  );

  link.close();
  await until(() => link.ws.ended, 3000);
}
