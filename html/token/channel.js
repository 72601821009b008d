// @ts-check
/**
 * What is watched, as signals: an atom, a family, a log, a presence channel.
 *
 * Each keeps its cursor.  Messages change a draft; `commit` shows it, once per
 * frame.  A snapshot that replaces what is shown is shown when it is complete.
 *
 * @module
 */

import { signal } from "./signal.js";

/** @typedef {import("./wire.js").Message} Message */
/**
 * @template T
 * @typedef {import("./signal.js").ReadonlySignal<T>} ReadonlySignal
 */

/**
 * Token, user and time are the server's word.
 * @typedef {{seq: number, token: string, user: string | null, time: number,
 *   value: any}} LogRecord
 * @typedef {{users: {user: string, tabs: number}[], anonymous: number,
 *   count: number, sessions: number}} Present
 */

/**
 * @template T
 * @implements {ReadonlySignal<T>}
 */
export class Channel {
  /**
   * @param {string} name
   * @param {T} [initial]
   */
  constructor(name, initial) {
    this.name = name;
    /** caught up with the server */
    this.synced = signal(false);
    this.error = signal(
      /** @type {{code: string, message?: string} | null} */ (null),
    );
    /** @type {() => void} ends the watch; set by who began it */
    this.unwatch = () => {};

    this.draft = /** @type {T} */ (initial);
    this.shown = signal(this.draft);
    /** @type {string | undefined} */
    this.epoch = undefined;
    /** @type {number | undefined} */
    this.seq = undefined;
    /** between `watching` and the end of the connection */
    this.watching = false;
    /** never caught up: a part is better than nothing */
    this.fresh = true;
    this.target = 0;
  }

  get value() {
    return this.shown.value;
  }

  peek() {
    return this.shown.peek();
  }

  /** @param {(value: T) => void} fn */
  subscribe(fn) {
    return this.shown.subscribe(fn);
  }

  /** @returns {Message} that asks for what follows the cursor */
  request() {
    const { name, epoch, seq } = this;
    const cursor = seq === undefined ? {} : { epoch, seq };
    return { type: "watch", channel: name, ...cursor };
  }

  lost() {
    this.watching = false;
    this.synced.value = false;
  }

  /** @param {Message} message that concerns this channel */
  receive(message) {
    if (message.type === "error") {
      this.error.value = { code: message.code, message: message.message };
    } else if (message.type === "watching") {
      this.begin(message);
    } else if (this.watching) {
      this.apply(message);
    }
  }

  /** @param {Message} message */
  begin({ epoch, recovered, seq }) {
    this.watching = true;
    this.error.value = null;
    this.epoch = epoch;
    this.target = seq;
    this.synced.value = recovered === true;
    if (!recovered) this.forget();
  }

  /** a snapshot follows */
  forget() {
    this.seq = undefined;
  }

  /** @param {Message} _message */
  apply(_message) {}

  /** shows the draft, at the end of a frame */
  commit() {
    if (this.synced.peek()) this.fresh = false;
    // what is shown stays until all that replaces it is here
    else if (!this.fresh) return;
    this.shown.value = this.draft;
  }
}

/** @extends {Channel<any>} */
export class Atom extends Channel {
  /** @param {Message} message */
  apply({ seq, value }) {
    if (this.seq !== undefined && seq <= this.seq) return;
    this.seq = seq;
    this.draft = value;
    this.synced.value = true;
  }
}

/** @extends {Channel<ReadonlyMap<string, any>>} */
export class Family extends Channel {
  /** @param {string} name */
  constructor(name) {
    super(name, new Map());
    /** @type {Map<string, number>} also of what is deleted */
    this.versions = new Map();
  }

  forget() {
    super.forget();
    this.versions.clear();
    this.draft = new Map();
  }

  /** @param {Message} message */
  apply({ type, channel, seq, value, deleted }) {
    if (type === "synced") {
      this.seq = seq;
      this.synced.value = true;
      return;
    }

    if (seq <= (this.versions.get(channel) ?? -1)) return;
    this.versions.set(channel, seq);
    if (this.synced.peek()) this.seq = Math.max(this.seq ?? 0, seq);

    if (this.draft === this.peek()) this.draft = new Map(this.draft);
    const draft = /** @type {Map<string, any>} */ (this.draft);
    if (deleted) draft.delete(channel);
    else draft.set(channel, value);
  }
}

/** @extends {Channel<readonly LogRecord[]>} */
export class Log extends Channel {
  /**
   * @param {string} name
   * @param {{last?: number}} [options]
   */
  constructor(name, { last } = {}) {
    super(name, []);
    this.last = last;
  }

  request() {
    const { last } = this;
    return { ...super.request(), ...(last === undefined ? {} : { last }) };
  }

  /** @param {Message} message */
  begin(message) {
    super.begin(message);
    if (message.recovered && this.seq === undefined) this.seq = message.seq;
  }

  forget() {
    super.forget();
    this.draft = [];
  }

  /** @param {Message} message */
  apply({ type, seq, token, user, time, value }) {
    if (type === "synced") {
      this.seq = Math.max(this.seq ?? 0, seq);
      this.synced.value = true;
      return;
    }

    if (seq <= (this.seq ?? -1)) return;
    this.seq = seq;
    if (seq >= this.target) this.synced.value = true;

    if (this.draft === this.peek()) this.draft = [...this.draft];
    const draft = /** @type {LogRecord[]} */ (this.draft);
    draft.push({ seq, token, user, time, value });
  }

  commit() {
    const { draft, last } = this;
    if (last !== undefined && draft.length > last) {
      this.draft = draft.slice(draft.length - last);
    }
    super.commit();
  }
}

/** @extends {Channel<Present>} */
export class Presence extends Channel {
  /** @param {string} name */
  constructor(name) {
    super(name, { users: [], anonymous: 0, count: 0, sessions: 0 });
  }

  /** @param {Message} message */
  apply({ users, anonymous }) {
    let sessions = anonymous;
    for (const each of users) sessions += each.tabs;
    this.draft = { users, anonymous, count: users.length + anonymous, sessions };
    this.synced.value = true;
  }
}
