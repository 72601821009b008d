// @ts-check
/**
 * One WebSocket after the other.
 *
 *   connecting --hello--> open --lost--> waiting | offline --> connecting ...
 *                                   `--> closed (a code that says so, close())
 *
 * It knows hello, heartbeat and close codes, and nothing of what is said.
 *
 * @module
 */

import { batch, guarded, signal } from "./signal.js";
import { backoff, delayOf, isFinal, pack, unpack } from "./wire.js";

/** @typedef {import("./environment.js").Environment} Environment */
/** @typedef {import("./wire.js").Message} Message */
/**
 * @typedef {"connecting" | "open" | "waiting" | "offline" | "closed"} Status
 * @typedef {{direction: "in" | "out", message: Message, time: number}} WireEvent
 */

const PROTOCOL = "token.v1";

/** ms until the hello */
const CONNECT_TIMEOUT = 15_000;
/** ms until the answer when there is doubt */
const PROBE_TIMEOUT = 5_000;
/** ms after which a connection counts as good, and back-off starts anew */
const STABLE = 5_000;
/** ms, until the server says otherwise */
const HEARTBEAT = 25_000;

const NO_HEARTBEAT = 4012;

export class Connection {
  /**
   * @param {string} url
   * @param {Environment} env
   * @param {object} on
   * @param {(hello: Message) => void} on.hello
   * @param {(message: Message) => void} on.message
   * @param {() => void} on.frame    the messages of a frame have been handled
   * @param {() => void} on.lost     nothing that was sent is certain
   */
  constructor(url, env, on) {
    this.url = url;
    this.env = env;
    this.on = on;
    this.status = signal(/** @type {Status} */ ("connecting"));
    /** @type {number | null} */
    this.retryAt = null;
    /** @type {{code: number, reason: string} | null} */
    this.closed = null;
    /** @type {Set<(event: WireEvent) => void>} */
    this.listeners = new Set();

    /** @type {WebSocket | null} */
    this.socket = null;
    /** @type {string[]} */
    this.outbox = [];
    /** bytes of a frame; nothing is sent before the hello */
    this.limit = 0;
    this.heartbeat = HEARTBEAT;
    this.heard = 0;
    this.silence = CONNECT_TIMEOUT;
    this.sent = 0;
    this.opened = 0;
    this.attempt = 0;
    /** the server has said when to come back */
    this.patient = false;
    /** @type {any} */
    this.timer = null;
  }

  connect() {
    this.abandon();
    this.patient = false;
    this.opened = 0;
    this.heard = this.env.now();
    this.status.value = "connecting";

    const socket = new this.env.WebSocket(this.url, PROTOCOL);
    this.socket = socket;
    socket.onmessage = (event) => this.receive(event.data);
    socket.onclose = ({ code, reason }) => this.lost(code, reason);
    this.expect(CONNECT_TIMEOUT);
  }

  restart() {
    this.attempt = 0;
    this.connect();
  }

  close() {
    this.flush();
    this.lost(1000, "", true);
  }

  /**
   * The page is put away; hurry() when it is back.  With a socket that is open
   * some browsers would not keep it, and others cut the socket off.
   */
  suspend() {
    if (this.status.peek() === "closed") return;
    this.flush();
    this.abandon();
    this.patient = false;
    this.status.value = "waiting";
  }

  /** now is a good moment */
  hurry() {
    const status = this.status.peek();
    const waits = status === "waiting" || status === "offline";
    this.probe();
    if (waits && !this.patient) this.restart();
  }

  /** asks for a sign of life */
  probe() {
    if (this.status.peek() !== "open") return;
    this.send('{"type":"ping"}');
    this.expect(PROBE_TIMEOUT);
  }

  /** @param {string} text of a message; leaves with others of this turn */
  send(text) {
    if (this.status.peek() !== "open") return;
    if (this.outbox.push(text) > 1) return;
    // after the microtasks that are planned: what they say goes along
    queueMicrotask(() => queueMicrotask(() => this.flush()));
  }

  flush() {
    const { socket, outbox } = this;
    this.outbox = [];
    if (!socket || outbox.length === 0) return;

    this.sent = this.env.now();
    if (this.listeners.size > 0) {
      for (const text of outbox) this.tell("out", JSON.parse(text));
    }
    for (const frame of pack(outbox, this.limit)) {
      guarded(() => socket.send(frame));
    }
  }

  /** @param {unknown} data */
  receive(data) {
    this.heard = this.env.now();
    if (this.opened) this.silence = 2 * this.heartbeat;

    batch(() => {
      for (const message of unpack(data)) {
        this.tell("in", message);
        guarded(() => this.handle(message));
      }
      guarded(() => this.on.frame());
    });

    // the server pings only when it is silent itself, and must hear us as well
    if (this.heard - this.sent >= this.heartbeat) this.send('{"type":"pong"}');
  }

  /** @param {Message} message */
  handle(message) {
    const { type, limits, heartbeat } = message;
    if (type === "ping") return this.send('{"type":"pong"}');
    // a pong has said all by being heard
    if (type !== "hello") return this.on.message(message);

    this.limit = limits.message;
    this.heartbeat = heartbeat || HEARTBEAT;
    this.opened = this.sent = this.heard;
    this.status.value = "open";
    this.expect(2 * this.heartbeat);
    this.on.hello(message);
  }

  /**
   * The connection is dead when nothing is heard for `ms`.
   * @param {number} ms
   */
  expect(ms) {
    this.silence = ms;
    this.arm(ms);
  }

  /** @param {number} ms until the silence is looked at */
  arm(ms) {
    const { env } = this;
    env.clearTimeout(this.timer);
    this.timer = env.setTimeout(() => {
      const rest = this.heard + this.silence - env.now();
      if (rest > 0) this.arm(rest);
      else this.lost(NO_HEARTBEAT, "no heartbeat");
    }, ms);
  }

  /**
   * @param {number} code
   * @param {string} reason
   * @param {boolean} [forGood]
   */
  lost(code, reason, forGood = isFinal(code)) {
    const { env } = this;
    this.abandon(code, reason);
    this.closed = { code, reason };

    if (forGood) return void (this.status.value = "closed");

    if (this.opened && env.now() - this.opened >= STABLE) this.attempt = 0;
    const asked = delayOf(code, reason);
    const delay = asked ?? backoff(this.attempt++, env.random);

    this.patient = asked !== null;
    this.retryAt = env.now() + delay;
    this.timer = env.setTimeout(() => this.connect(), delay);
    this.status.value = env.online() ? "waiting" : "offline";
  }

  /**
   * Lets the present socket go, without waiting for its end.
   * @param {number} [code]
   * @param {string} [reason]
   */
  abandon(code, reason) {
    const { socket } = this;
    this.env.clearTimeout(this.timer);
    this.socket = this.retryAt = null;
    this.outbox = [];
    if (!socket) return;

    socket.onmessage = socket.onclose = null;
    guarded(() => socket.close(code === NO_HEARTBEAT ? code : 1000, reason));
    this.on.lost();
  }

  /**
   * @param {"in" | "out"} direction
   * @param {Message} message
   */
  tell(direction, message) {
    const event = { direction, message, time: this.env.now() };
    for (const fn of [...this.listeners]) guarded(() => fn(event));
  }
}
