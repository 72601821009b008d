// @ts-check
/**
 * One client: connects again whenever its connection is lost, watches
 * everything from its cursors, and works through its plan.
 */

import { Link } from "./link.mjs";
import { plan } from "./plan.mjs";
import { Tokens } from "./tokens.mjs";

export const CHANNELS = [
  "history",
  "short",
  "switch",
  "total",
  "cas",
  "doc",
  "word",
  "still",
  "n/*",
  "room",
];

/** tokens that a client has under way at most */
const INFLIGHT = 10;

export class Client {
  /**
   * @param {object} options
   * @param {number} options.number
   * @param {import("./history.mjs").History} options.history
   * @param {import("./random.mjs").Random} options.random
   * @param {number} options.port
   * @param {string} [options.user]
   */
  constructor({ number, history, random, port, user }) {
    this.number = number;
    this.name = `c${number}`;
    this.history = history;
    this.port = port;
    this.user = user;
    this.random = random.fork("timing");
    this.plan = plan(random.fork("plan"), this.name);
    /** @type {import("./plan.mjs").Step | null} */
    this.step = null;
    /** @type {Link | null} */
    this.link = null;
    /** @type {Link | null} */
    this.twin = null;
    /** @type {Map<string, {epoch: string, seq: number}>} */
    this.cursors = new Map();
    /** channels whose snapshot has not ended */
    this.walking = new Set();
    this.versions = { current: 0, stale: 0 };
    this.reconnects = -1;
    this.working = false;
    this.stopped = false;

    this.tokens = new Tokens({
      number,
      random: random.fork("tokens"),
      link: () => this.link,
      twin: () => this.other(),
      version: (guess) => this.versions[guess],
    });
  }

  connect() {
    if (this.stopped) return;
    this.reconnects++;

    const link = new Link({
      history: this.history,
      client: this.name,
      user: this.user,
      port: this.port,
      hello: (hello) => this.hello(link, hello),
      message: (message) => this.receive(message),
      lost: (code, reason) => {
        const wait = this.random.int(10, 400);
        this.link = null;
        setTimeout(() => this.connect(), code === 1012 ? Number(reason) : wait);
      },
    });

    this.link = link;
  }

  /**
   * @param {Link} link
   * @param {any} hello
   */
  hello(link, hello) {
    this.tokens.ahead = hello.time - Date.now();
    this.walking.clear();

    for (const channel of CHANNELS) {
      const cursor = this.cursors.get(channel);
      const last = channel === "short" && this.number % 2 ? { last: 20 } : {};

      link.ask({ type: "watch", channel, ...cursor, ...last });
    }

    this.tokens.resume(link);
  }

  /** @param {any} message */
  receive(message) {
    const { type, channel, watch, seq } = message;

    switch (type) {
      case "watching":
        if (!message.recovered) {
          this.cursors.delete(channel);
          this.walking.add(channel);
        }
        break;

      case "synced":
        this.walking.delete(channel);
        this.moved(channel, seq);
        break;

      case "record":
        this.moved(channel, seq);
        break;

      case "atom":
        if (!this.walking.has(watch)) this.moved(watch ?? channel, seq);
        if (channel === "cas") {
          const { current } = this.versions;
          this.versions = { current: seq, stale: current };
        }
        break;

      case "outcome":
        this.tokens.answer(message, false);
        break;
    }
  }

  /**
   * @param {string} channel
   * @param {number} seq
   */
  moved(channel, seq) {
    if (this.link?.hello) {
      this.cursors.set(channel, { epoch: this.link.hello.epoch, seq });
    }
  }

  /** A second connection, at best to another worker, that watches nothing. */
  other() {
    if (this.twin && !this.twin.ws.ended) {
      if (this.twin.ready && this.twin.worker === this.link?.worker) {
        this.twin.close();
      }

      return this.twin.ready ? this.twin : null;
    }

    this.twin = new Link({
      history: this.history,
      client: this.name,
      user: this.user,
      port: this.port,
      twin: true,
      hello: () => {},
      message: (message) => {
        if (message.type === "outcome") this.tokens.answer(message, true);
      },
      lost: () => {},
    });

    return null;
  }

  /** Works through the plan, until stopped. */
  work() {
    this.working = true;
    this.next();
  }

  next() {
    if (!this.working) return;

    this.step ??= this.plan.next().value;

    setTimeout(() => {
      if (!this.working || this.step === null) return;

      if (this.tokens.pending.size < INFLIGHT && this.tokens.issue(this.step)) {
        this.step = null;
      }

      this.next();
    }, this.step.wait);
  }

  /** No more steps; what is under way goes on. */
  rest() {
    this.working = false;
    this.tokens.quiet = true;
    this.twin?.close();
  }

  leave() {
    this.stopped = true;
    this.rest();
    this.link?.close();
  }
}
