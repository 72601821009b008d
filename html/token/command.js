// @ts-check
/**
 * A command: one intent of the user, from the moment he had it until its
 * outcome is known and, where it is not good, dealt with.
 *
 * @module
 */

import { signal } from "./signal.js";

/** @typedef {import("./slot.js").Kept} Kept */
/** @typedef {{service: string, value?: any}} Request */
/** @typedef {{code: string, message?: string, version?: number}} CommandError */

/**
 * @typedef {"pending" | "running" | "ok" | "rejected" | "failed" |
 *   "interrupted" | "superseded"} State
 */

/**
 * @typedef {{
 *   outcome: "ok" | "rejected" | "failed" | "interrupted" | "superseded",
 *   id: string, seq?: number, result?: any, error?: CommandError,
 * }} Outcome
 */

/**
 * Where a command stands with the server:
 *   fresh   it has not been run: send it
 *   ask     the server may have run it: resume
 *   asked   resume is sent
 *   sent    sent, or running
 *   later   busy: send it after a while
 * @typedef {"fresh" | "ask" | "asked" | "sent" | "later"} Stage
 */

/** @type {Map<string, string>} id to key, where they differ */
const keys = new Map();

/**
 * @param {string} id of a token
 * @returns {string} the key of its command
 */
export function keyOf(id) {
  return keys.get(id) ?? id;
}

export class Command {
  /**
   * @param {Kept} kept
   * @param {import("./commands.js").Commands} owner
   * @param {boolean} [restored]  from an earlier load of the page
   */
  constructor(kept, owner, restored) {
    this.restored = restored;
    /** @type {string} */
    this.id = kept.id;
    /** never changes */
    this.key = kept.key ?? kept.id;
    this.time = kept.time;
    /** who asked for it; undefined until the server has said who it is */
    this.user = kept.user;
    this.state = signal(/** @type {State} */ (kept.state ?? "pending"));

    this.body = kept.body;
    const asked = JSON.parse(`{${kept.body}}`);
    /** @type {Request[] | undefined} of a composite */
    this.requests = asked.requests;
    /** @type {string} */
    this.service = this.requests
      ? this.requests.map((each) => each.service).join("+")
      : asked.service;
    /** @type {any} */
    this.value = this.requests
      ? this.requests.map((each) => each.value)
      : asked.value;

    this.owner = owner;
    this.problem = signal(/** @type {CommandError | null} */ (kept.error ?? null));
    this.sent = kept.sent;
    this.cancelled = kept.cancelled;
    this.discarded = kept.discarded;
    /** @type {Stage} */
    this.stage = this.sent ? "ask" : "fresh";
    /** @type {any} until it is sent again */
    this.timer = null;
    /** @type {any} what the service has answered with */
    this.result = undefined;
    /** @type {Parameters<typeof import("./token.js").spend>[0] | null} */
    this.token = null;
    /** @type {(outcome: Outcome) => void} */
    this.resolve = () => {};
    /** never rejects; a new one after retry() */
    this.outcome = this.expect();
    if (this.key !== this.id) keys.set(this.id, this.key);
    if (kept.state) this.resolve(/** @type {any} */ (this.answer()));
  }

  /** why it is not ok; the read is tracked */
  get error() {
    return this.problem.value;
  }

  /** it is neither answered, nor settled here */
  get open() {
    const state = this.state.peek();
    return state === "pending" || state === "running";
  }

  /** sends it again: the same id if that is open still, else a new one */
  retry() {
    this.owner.retry(this);
  }

  /** takes it off the list, and cancels it if it is not answered */
  discard() {
    this.owner.discard(this);
  }

  /** takes it off the list: whoever asks for the same again may retry it */
  leave() {
    this.owner.leave(this);
  }

  /** asks that it has no effect; its outcome tells */
  cancel() {
    this.owner.cancel(this);
  }

  /** @returns {Promise<Outcome>} a new one */
  expect() {
    return new Promise((resolve) => {
      this.resolve = resolve;
    });
  }

  /** @param {string} id for the same intent */
  rename(id) {
    keys.delete(this.id);
    this.id = id;
    keys.set(id, this.key);
  }

  answer() {
    const error = this.problem.peek();
    return { outcome: this.state.peek(), id: this.id, ...(error && { error }) };
  }

  /** @returns {string} the message */
  text() {
    return `{"type":"token","id":"${this.id}",${this.body}}`;
  }

  /** @returns {Kept} what JSON makes of it: nothing where it is undefined */
  keep() {
    const { id, key, body, time, user, sent, cancelled, discarded } = this;
    const state = this.open ? undefined : this.state.peek();
    const error = this.problem.peek();
    return { id, key, body, time, user, state, error, sent, cancelled, discarded };
  }
}

/**
 * @param {string | readonly Request[]} what
 * @param {any} value
 * @returns {string} the members of the message
 */
export function bodyOf(what, value) {
  const asked = Array.isArray(what)
    ? { requests: what.map(({ service, value }) => ({ service, value })) }
    : { service: what, value };
  return JSON.stringify(asked).slice(1, -1);
}
