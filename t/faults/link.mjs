// @ts-check
/**
 * One connection of a client: handshake, hello, heartbeat.  Everything that
 * is asked and told on it goes into the history.
 */

import { WebSocketClient } from "./websocket.mjs";

/** ms until the hello */
const PATIENCE = 4000;

/** @typedef {import("./history.mjs").History} History */

/**
 * @typedef {object} Options
 * @property {History} history
 * @property {string} client
 * @property {string} [user]
 * @property {number} port
 * @property {boolean} [twin]
 * @property {(hello: any) => void} hello
 * @property {(message: any) => void} message
 * @property {(code: number, reason: string) => void} lost
 */

export class Link {
  /** @param {Options} options */
  constructor(options) {
    this.options = options;
    this.history = options.history;
    this.conn = ++options.history.conns;
    this.worker = 0;
    /** @type {any} */
    this.hello = null;
    this.heard = performance.now();
    this.spoke = performance.now();
    this.paused = false;
    this.leaving = false;

    this.ws = new WebSocketClient({
      port: options.port,
      path: options.user ? `/live?user=${options.user}` : "/live",
      on: {
        open: (headers) => this.opened(headers),
        message: (text) => this.receive(text),
        close: (code, reason) => this.closed(code, reason),
        breach: (text) => this.record("breach", { text }),
      },
    });

    this.timer = setInterval(() => this.check(), 250);
  }

  /**
   * @param {string} type
   * @param {any} data
   */
  record(type, data) {
    this.history.record(this.options.client, this.conn, type, data);
  }

  get ready() {
    return this.hello !== null && !this.ws.ended && !this.leaving;
  }

  /** @param {any} message */
  ask(message) {
    if (!this.ready) return false;
    this.record("ask", message);

    const { probe: _, ...rest } = message;
    this.say(rest);

    return true;
  }

  /** @param {any} message */
  say(message) {
    this.spoke = performance.now();
    this.ws.send(JSON.stringify(message));
  }

  /** Stops reading for some time. @param {number} ms */
  sleep(ms) {
    if (this.paused || this.ws.ended) return;
    this.paused = true;
    this.ws.pause();

    setTimeout(() => {
      this.paused = false;
      this.heard = performance.now();
      if (!this.ws.ended) this.ws.resume();
    }, ms);
  }

  close() {
    this.leaving = true;
    this.ws.resume();
    this.ws.close();
  }

  abort() {
    this.ws.abort();
  }

  /** @param {Map<string, string>} headers */
  opened(headers) {
    this.worker = Number(headers.get("x-worker"));
    const { worker } = this;
    this.record("open", { worker, twin: this.options.twin === true });
  }

  /** @param {string} text */
  receive(text) {
    this.heard = performance.now();

    const message = this.history.parse(text);

    if (message === undefined || typeof message.type !== "string") {
      this.record("breach", { text: `not a message: ${text}` });
      return;
    }

    if ((message.type === "hello") !== (this.hello === null)) {
      this.record("breach", { text: `out of order: ${text}` });
    }

    if (message.type === "ping") {
      this.say({ type: "pong" });
      return;
    }

    this.record("told", message);

    if (message.type === "hello") {
      this.hello = message;
      this.options.hello(message);
      return;
    }

    this.options.message(message);
  }

  /** A server that is silent for too long is left; it is not left to wonder. */
  check() {
    const now = performance.now();
    const limit = this.hello ? 2 * this.hello.heartbeat : PATIENCE;

    if (!this.paused && now - this.heard > limit) {
      this.abort();
    } else if (this.ready && now - this.spoke > this.hello.heartbeat) {
      this.say({ type: "pong" });
    }
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  closed(code, reason) {
    clearInterval(this.timer);
    this.record("lost", { code, reason, left: this.leaving });
    this.options.lost(code, reason);
  }
}
