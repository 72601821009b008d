// @ts-check
/**
 * Tokens with the event that made them beside them, and the tokens without an
 * error: TokenNofail, StampedToken.
 *
 * @module
 */

import { computed, signal } from "./signal.js";
import { end, isThere, spendable } from "./token.js";

/**
 * @template [E=any]
 * @typedef {import("./token.js").Spend<E>} Spend
 */
/**
 * @template [E=any]
 * @typedef {import("./token.js").Source<E>} Source
 */
/**
 * @template T
 * @typedef {import("./signal.js").ReadonlySignal<T> & {dispose(): void}} Disposable
 */
/**
 * The event, null before the first; and its token, null once it is spent.
 * @template E
 * @typedef {readonly [E | null, Spend<E> | null]} Stamped
 */

/**
 * One token at a time, with its event.  Later events neither change the stamp
 * nor make a token; after the spend the stamp can still be read.
 *
 *   [null, null] --event--> [event, t] --t() or t(err)--> [event, null]
 *
 * @template E
 * @param {Source<E>} source
 * @param {(event: E) => boolean} [on] which events count
 * @returns {Disposable<Stamped<E>>}
 */
export function StampedToken(source, on = isThere) {
  const pair = signal(/** @type {Stamped<E>} */ ([null, null]));

  const stop = source.subscribe((event) => {
    if (pair.peek()[1] !== null || !on(event)) return;

    const t = spendable(event, () => {
      pair.value = [event, null];
      return false;
    });
    pair.value = [event, t];
  });

  return Object.assign(pair, { dispose: () => end(stop) });
}

/**
 * One token at a time, without an error: whatever it is spent with, it is gone.
 * @template E
 * @param {Source<E>} source
 * @param {(event: E) => boolean} [on] which events count
 * @returns {Disposable<Spend<E> | null>}
 */
export function TokenNofail(source, on = isThere) {
  return unstamped(StampedToken(source, on));
}

/**
 * @template E
 * @param {Disposable<Stamped<E>>} stamped
 * @returns {Disposable<Spend<E> | null>}
 */
export function unstamped(stamped) {
  const token = computed(() => stamped.value[1]);
  return Object.assign(token, { dispose: () => stamped.dispose() });
}
