// @ts-check
/**
 * The part of the session storage that belongs to one connection of one page
 * load.  What earlier page loads have left is taken over.
 *
 * @module
 */

import { claim } from "./claim.js";

/** @typedef {import("./environment.js").Environment} Environment */

/**
 * A command, as it is kept.
 * @typedef {object} Kept
 * @property {string} id
 * @property {string} [key]
 * @property {string} body       JSON members: what is asked for
 * @property {number} time
 * @property {string | null} [user]
 * @property {string} [state]    where it is not pending
 * @property {{code: string, message?: string} | null} [error]
 * @property {boolean} [sent]    the server may have run it
 * @property {boolean} [cancelled]
 * @property {boolean} [discarded]
 */

/** @type {WeakMap<object, Set<string>>} the keys of the slots of this page */
const owned = new WeakMap();

export class Slot {
  /**
   * @param {string} name of the connection
   * @param {string} id unique
   * @param {Environment} env
   */
  constructor(name, id, env) {
    this.env = env;
    this.storage = env.storage;
    this.prefix = `token:${name}:`;
    this.key = this.prefix + id;
    const page = env.storage ?? env;
    /** @type {Set<string>} */
    this.own = owned.get(page) ?? new Set();
    owned.set(page, this.own);
    /** @type {(() => void) | null} */
    this.release = null;
    this.warned = false;
  }

  /** marks it as that of a living page */
  async hold() {
    if (!this.storage || this.own.has(this.key)) return;
    this.own.add(this.key);
    const release = await claim(this.key, this.env);
    if (this.own.has(this.key) && !this.release) this.release = release;
    else release?.();
  }

  /** the page goes: who comes next may take it over */
  leave() {
    this.own.delete(this.key);
    this.release?.();
    this.release = null;
  }

  /**
   * @param {Kept[]} commands
   * @returns {boolean} they are kept
   */
  save(commands) {
    try {
      if (commands.length === 0) this.storage?.removeItem(this.key);
      else this.storage?.setItem(this.key, JSON.stringify({ top: this.env.top, commands }));
      return true;
    } catch (error) {
      if (!this.warned) console.warn("token: commands cannot be kept", error);
      this.warned = true;
      return false;
    }
  }

  /**
   * Takes over what pages before this one have left.
   * @param {(commands: Kept[]) => boolean} take  true: they are kept
   */
  async adopt(take) {
    await Promise.all(this.others().map((key) => this.adoptOne(key, take)));
  }

  /**
   * @param {string} key
   * @param {(commands: Kept[]) => boolean} take
   */
  async adoptOne(key, take) {
    const release = await claim(key, this.env);
    const { top, commands } = this.read(key);

    try {
      // not free: as a tab has one page at a time, it is a copy of another tab's
      const done = release ? take(commands) : top && this.env.top;
      if (done) this.storage?.removeItem(key);
    } finally {
      release?.();
    }
  }

  /** @returns {string[]} */
  others() {
    const keys = [];
    for (let i = 0; i < (this.storage?.length ?? 0); i++) {
      const key = this.storage?.key(i);
      if (key?.startsWith(this.prefix) && !this.own.has(key)) keys.push(key);
    }
    return keys;
  }

  /**
   * @param {string} key
   * @returns {{top: boolean, commands: Kept[]}}
   */
  read(key) {
    try {
      const { top, commands } = JSON.parse(this.storage?.getItem(key) ?? "");
      return { top: top === true, commands: commands.filter(isKept) };
    } catch {
      // not ours, or gone
    }
    return { top: false, commands: [] };
  }
}

/** @param {any} kept */
function isKept(kept) {
  return typeof kept?.id === "string" && typeof kept.body === "string";
}
