// @ts-check
/**
 * Values that can be held.
 *
 * @module
 */

import { computed, signal } from "./signal.js";

/**
 * @template T
 * @typedef {import("./signal.js").ReadonlySignal<T>} ReadonlySignal
 */

/**
 * A value, and what freezes it at its present reading.  `latch()` returns what
 * thaws it; of several latches the last one that is undone does.
 * @template T
 * @param {ReadonlySignal<T>} source
 * @returns {ReadonlySignal<readonly [T, () => () => void]>}
 */
export function Latchable(source) {
  const frozen = signal(/** @type {{value: T} | null} */ (null));
  let latches = 0;

  const latch = () => {
    let held = true;
    if (latches++ === 0) frozen.value = { value: source.peek() };

    return () => {
      if (!held) return;
      held = false;
      if (--latches === 0) frozen.value = null;
    };
  };

  return computed(() => {
    const now = frozen.value;
    return [now ? now.value : source.value, latch];
  });
}
