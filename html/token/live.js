// @ts-check
/**
 * A connection with all that goes over it: what pages use.
 *
 * @module
 */

import { Atom, Family, Log, Presence } from "./channel.js";
import { Command } from "./command.js";
import { Commands } from "./commands.js";
import { Connection } from "./connection.js";
import { environment, socketUrl, watchPage } from "./environment.js";
import { Ids } from "./id.js";
import { report, signal, untracked } from "./signal.js";
import { Slot } from "./slot.js";
import { spend } from "./token.js";
import { Watches } from "./watch.js";

/** @typedef {import("./environment.js").Options} Options */
/** @typedef {import("./wire.js").Message} Message */
/** @typedef {import("./command.js").Request} Request */
/** @typedef {import("./connection.js").WireEvent} WireEvent */
/**
 * @template T
 * @typedef {import("./signal.js").ReadonlySignal<T>} ReadonlySignal
 */

/**
 * ms; the page that one goes back from is put away meanwhile.  Its lock is not
 * to be asked for before: the browser would not keep that page any longer.
 */
const LEAVING = 500;

/**
 * @param {string} url of a location with token_websocket, relative to the page
 * @param {Options} [options]
 * @returns {Live}
 */
export function connect(url, options = {}) {
  return new Live(url, options);
}

export class Live {
  #env;
  #ids;
  #slot;
  #connection;
  #watches;
  #commands;
  /** @type {WeakMap<object, Command>} */
  #runs = new WeakMap();

  /**
   * @param {string} url
   * @param {Options} options
   */
  constructor(url, options) {
    const env = environment(options);
    const absolute = socketUrl(url, env.base);

    this.#env = env;
    this.#ids = new Ids(env);
    this.#slot = new Slot(absolute, this.#ids.next(), env);
    this.#connection = new Connection(absolute, env, {
      hello: (message) => this.#hello(message),
      message: (message) => this.#message(message),
      frame: () => this.#watches.frame(),
      lost: () => this.#lost(),
    });
    this.#watches = new Watches(this.#connection);
    this.#commands = new Commands(this.#connection, this.#ids, this.#slot);

    /** @type {ReadonlySignal<import("./connection.js").Status>} */
    this.status = this.#connection.status;
    /** undefined until hello; null: anonymous */
    this.user = signal(/** @type {string | null | undefined} */ (undefined));
    this.session = signal(/** @type {string | undefined} */ (undefined));
    this.limits = signal(
      /** @type {import("./commands.js").Limits | undefined} */ (undefined),
    );
    /** @type {ReadonlySignal<readonly Command[]>} not done yet */
    this.commands = this.#commands.list;

    void this.#slot.hold();
    this.#adopt();
    this.#watchPage();
    this.#connection.connect();
  }

  /** ms since the epoch of the next attempt, or null */
  get retryAt() {
    return this.#connection.retryAt;
  }

  /** the last close, or null */
  get closed() {
    return this.#connection.closed;
  }

  /** the server's clock, ms since the epoch */
  now() {
    return this.#ids.now();
  }

  /** @param {string} name */
  atom(name) {
    return this.#watches.watch(name, Atom);
  }

  /** @param {string} name for instance `votes/*` */
  family(name) {
    return this.#watches.watch(name, Family);
  }

  /**
   * @param {string} name
   * @param {{last?: number}} [options] at most that many, the newest
   */
  log(name, options) {
    return this.#watches.watch(name, Log, options);
  }

  /** @param {string} name */
  presence(name) {
    return this.#watches.watch(name, Presence);
  }

  /**
   * @param {string | readonly Request[]} what a service, or several requests:
   *     all or none
   * @param {any} [value]
   * @returns {Command}
   */
  send(what, value) {
    return untracked(() => this.#commands.add(what, value));
  }

  /**
   * Sends, and spends `t` with the outcome.  A token runs once: again, it gives
   * the command that it has (an effect may come by more than once).  One whose
   * event is a command of an earlier load of the page goes on with that, and one
   * that asks for what has failed retries it, under the same id.
   * @param {((error?: any) => unknown) & Partial<import("./token.js").Traits>} t
   * @param {string | readonly Request[]} [what] default: what `t` asks for
   * @param {any} [value]
   * @returns {Command}
   */
  run(t, what = t.requests ?? [], value) {
    const intent = t.root ?? t;
    const known = this.#runs.get(intent);
    if (known) return known;
    const command =
      t.event instanceof Command
        ? t.event
        : untracked(() => this.#commands.ask(what, value));
    this.#runs.set(intent, command);
    return spend(t, command);
  }

  /** connects again, now */
  restart() {
    this.#connection.restart();
  }

  /** closes; pending commands stay in the storage */
  close() {
    this.#connection.close();
  }

  /**
   * @param {(event: WireEvent) => void} fn sees every message
   * @returns {() => void} ends it
   */
  onMessage(fn) {
    const { listeners } = this.#connection;
    listeners.add(fn);
    return () => void listeners.delete(fn);
  }

  #watchPage() {
    watchPage(this.#env, {
      hurry: () => this.#connection.hurry(),
      doubt: () => this.#connection.probe(),
      hide: () => {
        this.#commands.handOver();
        this.#connection.suspend();
        this.#slot.leave();
      },
      show: () => {
        void this.#slot.hold();
        this.#env.setTimeout(() => this.#adopt(), LEAVING);
        this.#connection.hurry();
      },
    });
  }

  /** goes on with what pages before this one have left */
  #adopt() {
    void this.#slot.adopt((kept) => this.#commands.adopt(kept)).catch(report);
  }

  /** @param {Message} message */
  #hello(message) {
    this.#ids.correct(message.time);
    this.user.value = message.user;
    this.session.value = message.session;
    this.limits.value = message.limits;
    // in this order: the state is on its way before the outcomes
    this.#watches.hello();
    this.#commands.hello(message);
  }

  /** @param {Message} message */
  #message(message) {
    const { type, id, channel } = message;
    const isError = type === "error";

    if (type === "outcome" || (isError && id)) this.#commands.receive(message);
    else if (isError && !channel) console.error("token:", message);
    else this.#watches.receive(message);
  }

  #lost() {
    this.#watches.lost();
    this.#commands.lost();
  }
}
