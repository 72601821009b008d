// @ts-check
/**
 * The graph of signals: who has read what.
 *
 *   signal --> computed --> effect         a write marks what is downstream
 *          <--          <--                a read pulls, and registers itself
 *
 * @module
 */

import { Effect } from "./effect.js";

/**
 * `value` is tracked, `peek()` is not; `subscribe` calls `fn` now, and with
 * each new value, until what it returns is called.
 * @template T
 * @typedef {{
 *   readonly value: T,
 *   peek(): T,
 *   subscribe(fn: (value: T) => void): () => void,
 * }} ReadonlySignal
 */

/**
 * What an effect and a computed have in common.
 * @typedef {object} Observer
 * @property {Map<Source<any>, number>} sources   with the version that was read
 * @property {() => void} mark                    a source may have changed
 * @property {boolean} observes                   registers with its sources
 */

/** @type {Observer | null} who is being evaluated */
let observer = null;

/** @type {Set<() => void> | null} the clean-ups of the effect that runs */
export let owner = null;

/** @type {Set<Effect>} effects to run at the end of the batch */
export let queue = new Set();

let depth = 0;
export let clock = 0;

const MAX_ROUNDS = 100;

/**
 * @template T
 * @implements {ReadonlySignal<T>}
 */
export class Source {
  /** @param {T} value */
  constructor(value) {
    /** @type {T} */
    this.current = value;
    this.version = 0;
    /** @type {Set<Observer>} */
    this.observers = new Set();
  }

  get value() {
    try {
      this.refresh();
    } finally {
      if (observer) this.read(observer);
    }
    return this.current;
  }

  peek() {
    this.refresh();
    return this.current;
  }

  /**
   * @param {(value: T) => void} fn called now, and with each new value
   * @returns {() => void} ends it
   */
  subscribe(fn) {
    return new Effect(() => {
      const value = this.value;
      untracked(() => fn(value));
    }).stop;
  }

  /** brings a derived value up to date */
  refresh() {}

  /** @param {Observer} by */
  read(by) {
    by.sources.set(this, this.version);
    if (by.observes) this.observe(by);
  }

  /** @param {Observer} by */
  observe(by) {
    this.observers.add(by);
  }

  /** @param {Observer} by */
  forget(by) {
    this.observers.delete(by);
  }
}

/**
 * @template T
 * @extends {Source<T>}
 */
export class Signal extends Source {
  get value() {
    return super.value;
  }

  set value(value) {
    if (Object.is(value, this.current)) return;
    this.current = value;
    this.version++;
    clock++;
    batch(() => {
      for (const by of [...this.observers]) by.mark();
    });
  }
}

/**
 * Runs `fn` with its reads counted for `by`, and its effects for `own`.
 * @template T
 * @param {Observer | null} by
 * @param {Set<() => void> | null} own
 * @param {() => T} fn
 * @returns {T}
 */
export function under(by, own, fn) {
  const [byBefore, ownBefore] = [observer, owner];
  observer = by;
  owner = own;

  try {
    return fn();
  } finally {
    observer = byBefore;
    owner = ownBefore;
  }
}

/**
 * @param {Observer} by
 * @param {Map<Source<any>, number>} before  what it has read no more is forgotten
 */
export function release(by, before) {
  for (const source of before.keys()) {
    if (!by.sources.has(source)) source.forget(by);
  }
}

/** @param {Map<Source<any>, number>} sources */
export function changed(sources) {
  for (const [source, version] of sources) {
    try {
      source.refresh();
    } catch {
      // whoever reads it gets the error
    }
    if (source.version !== version) return true;
  }
  return false;
}

function flush() {
  for (let round = 0; queue.size > 0; round++) {
    const effects = queue;
    queue = new Set();

    if (round === MAX_ROUNDS) return report(new Error("effects without end"));

    for (const each of effects) {
      if (!each.observes || !changed(each.sources)) continue;
      guarded(() => each.run());
    }
  }
}

/**
 * One broken effect harms neither the others nor the writer of the signal.
 * @param {unknown} error
 */
export function report(error) {
  (globalThis.reportError ?? console.error)(error);
}

/**
 * Calls `fn`; what it throws is reported, not thrown.
 * @param {() => void} fn
 */
export function guarded(fn) {
  try {
    fn();
  } catch (error) {
    report(error);
  }
}

/**
 * Effects wait until `fn` has returned.
 * @template T
 * @param {() => T} fn
 * @returns {T}
 */
export function batch(fn) {
  depth++;
  try {
    return fn();
  } finally {
    if (depth === 1) flush();
    depth--;
  }
}

/**
 * Reads in `fn` are not tracked.
 * @template T
 * @param {() => T} fn
 * @returns {T}
 */
export function untracked(fn) {
  return under(null, owner, fn);
}
