// @ts-check
/**
 * Signals: values that tell those who read them when they change.
 *
 * @module
 */

import { Computed } from "./computed.js";
import { Effect } from "./effect.js";
import { Signal } from "./graph.js";

export { detached, scope } from "./effect.js";
export { batch, guarded, report, untracked } from "./graph.js";

/**
 * @template T
 * @typedef {import("./graph.js").ReadonlySignal<T>} ReadonlySignal
 */

/**
 * @template T
 * @overload
 * @param {T} value
 * @returns {Signal<T>}
 */
/**
 * @template T
 * @overload
 * @returns {Signal<T | undefined>}
 */
/**
 * A value that can be written.
 * @param {any} [value]
 * @returns {Signal<any>}
 */
export function signal(value) {
  return new Signal(value);
}

/**
 * A value derived from others, evaluated when it is read.
 * @template T
 * @param {() => T} fn
 * @returns {ReadonlySignal<T>}
 */
export function computed(fn) {
  return new Computed(fn);
}

/**
 * Runs `fn` now, and again whenever a signal that it read has changed.
 * @param {() => void | (() => void)} fn may return a clean-up
 * @returns {() => void} ends it
 */
export function effect(fn) {
  return new Effect(fn).stop;
}
