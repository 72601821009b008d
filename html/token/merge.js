// @ts-check
/**
 * Many edits as one.
 *
 * @module
 */

import { compose } from "./compose.js";
import { computed } from "./signal.js";

/** @typedef {import("./field.js").Edit} Edit */
/**
 * @template T
 * @typedef {import("./signal.js").ReadonlySignal<T>} ReadonlySignal
 */

/**
 * The edits of fields as one staged edit: a composite of their tokens, and an
 * object of their values.
 * @param {string} name of the composite
 * @param {Readonly<Record<string, ReadonlySignal<Edit | null>>>} edits
 * @returns {ReadonlySignal<Edit | null>} null where none is dirty
 */
export function MergeEdits(name, edits) {
  return computed(() => {
    const staged = Object.entries(edits).flatMap(([key, { value }]) =>
      value ? [{ key, t: value[0], value: value[1] }] : [],
    );
    if (staged.length === 0) return null;

    const tokens = staged.map(({ key, t }) => compose(key, t));
    const values = staged.map(({ key, value }) => [key, value]);
    return [compose(name, ...tokens), Object.fromEntries(values)];
  });
}
