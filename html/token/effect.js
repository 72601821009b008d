// @ts-check
/**
 * Effects: functions that run again when what they read has changed.
 *
 * @module
 */

import {
  batch,
  guarded,
  owner,
  queue,
  release,
  under,
  untracked,
} from "./graph.js";

/**
 * @template T
 * @typedef {import("./graph.js").Source<T>} Source
 */
/** @typedef {import("./graph.js").Observer} Observer */

/** @implements {Observer} */
export class Effect {
  /** @param {() => void | (() => void)} fn */
  constructor(fn) {
    this.fn = fn;
    /** @type {Map<Source<any>, number>} */
    this.sources = new Map();
    /** @type {Set<() => void>} */
    this.cleanups = new Set();
    this.observes = true;
    this.stop = () => this.end();

    const parent = owner;
    parent?.add(this.stop);
    this.parent = parent;

    try {
      this.run();
    } catch (error) {
      this.end();
      throw error;
    }
  }

  mark() {
    queue.add(this);
  }

  run() {
    const before = this.sources;
    this.sources = new Map();
    this.clean();

    try {
      const cleanup = batch(() => under(this, this.cleanups, this.fn));
      if (typeof cleanup === "function") this.cleanups.add(cleanup);
    } finally {
      // stopped by itself: what it has read after that does not hold it
      if (!this.observes) this.sources.clear();
      release(this, before);
    }
    if (!this.observes) this.clean();
  }

  clean() {
    const cleanups = [...this.cleanups];
    this.cleanups.clear();
    for (const cleanup of cleanups) guarded(() => untracked(cleanup));
  }

  end() {
    this.observes = false;
    this.parent?.delete(this.stop);
    queue.delete(this);
    for (const source of this.sources.keys()) source.forget(this);
    this.clean();
  }
}

/**
 * Runs `fn` as if nothing were running: what it begins goes on by itself.
 * @template T
 * @param {() => T} fn
 * @returns {T}
 */
export function detached(fn) {
  return under(null, null, fn);
}

/**
 * Runs `fn` apart from what is running.
 * @template T
 * @param {() => T} fn
 * @returns {[T, () => void]} what it returns, and what ends its effects
 */
export function scope(fn) {
  /** @type {Set<() => void>} */
  const cleanups = new Set();
  const result = under(null, cleanups, fn);
  return [result, () => [...cleanups].forEach(guarded)];
}
