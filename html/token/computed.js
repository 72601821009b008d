// @ts-check
/**
 * Derived values.
 *
 * A computed that nobody observes holds no place in its sources (so it can be
 * collected) and checks their versions when it is read.
 *
 * @module
 */

import { Source, changed, clock, release, under } from "./graph.js";

/** @typedef {import("./graph.js").Observer} Observer */

/**
 * @template T
 * @extends {Source<T>}
 * @implements {Observer}
 */
export class Computed extends Source {
  /** @param {() => T} fn */
  constructor(fn) {
    super(/** @type {any} */ (undefined));
    this.fn = fn;
    /** @type {Map<Source<any>, number>} */
    this.sources = new Map();
    this.stale = true;
    this.clock = -1;
    /** @type {{error: unknown} | null} */
    this.thrown = null;
    this.running = false;
  }

  get observes() {
    return this.observers.size > 0;
  }

  refresh() {
    if (this.running) throw new Error("a computed signal reads itself");

    if (this.clock !== clock && (this.stale || !this.observes)) {
      if (this.version === 0 || changed(this.sources)) this.evaluate();
      this.stale = false;
      this.clock = clock;
    }

    if (this.thrown) throw this.thrown.error;
  }

  evaluate() {
    const before = this.sources;
    this.sources = new Map();
    this.running = true;

    try {
      const value = under(this, null, this.fn);
      if (this.thrown || this.version === 0 || !Object.is(value, this.current))
        this.version++;
      this.current = value;
      this.thrown = null;
    } catch (error) {
      this.thrown = { error };
      this.version++;
    } finally {
      this.running = false;
    }

    release(this, before);
  }

  mark() {
    if (this.stale) return;
    this.stale = true;
    for (const by of [...this.observers]) by.mark();
  }

  /**
   * @param {Observer} by
   */
  observe(by) {
    if (this.observers.size === 0) {
      for (const source of this.sources.keys()) source.observe(this);
    }
    this.observers.add(by);
  }

  /**
   * @param {Observer} by
   */
  forget(by) {
    this.observers.delete(by);
    if (this.observers.size > 0) return;
    for (const source of this.sources.keys()) source.forget(this);
  }
}
