// @ts-check
/**
 * The latest of several edits, as of a group of radio buttons.
 *
 * @module
 */

import { computed, effect } from "./signal.js";

/** @typedef {import("./token.js").Spend} Spend */
/**
 * @template T
 * @typedef {import("./signal.js").ReadonlySignal<T>} ReadonlySignal
 */

/**
 * When there is a new row, the tokens of those before it are accepted.
 * @template {readonly [Spend, ...any[]]} R
 * @param {ReadonlySignal<readonly R[]>} rows  of OnAll
 * @returns {ReadonlySignal<R | null> & {dispose(): void}}
 */
export function LatestEdit(rows) {
  const latest = computed(() => rows.value.at(-1) ?? null);
  const dispose = effect(() => {
    for (const [t] of rows.value.slice(0, -1)) t();
  });
  return Object.assign(latest, { dispose });
}
