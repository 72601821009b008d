// @ts-check
/**
 * Tokens of which the latest wins: CyclicToken, StampedCyclicToken.
 *
 * @module
 */

import { batch, signal } from "./signal.js";
import { unstamped } from "./stamped.js";
import { end, isThere, spendable } from "./token.js";

/**
 * @template [E=any]
 * @typedef {import("./stamped.js").Spend<E>} Spend
 */
/**
 * @template [E=any]
 * @typedef {import("./stamped.js").Source<E>} Source
 */
/**
 * @template E
 * @typedef {import("./stamped.js").Stamped<E>} Stamped
 */
/**
 * @template T
 * @typedef {import("./stamped.js").Disposable<T>} Disposable
 */

/**
 * rearm: once a token is spent there is another one for the same event, as long
 * as that is the last one of the source and counts.
 * @typedef {{rearm?: boolean}} Cycle
 */

/**
 * A token for every event, with the event.  The one before it, if it is not
 * spent, is dead then: its `signal` is aborted, and live.run() cancels its
 * command on the server.
 *
 *   [null, null] --event--> [event, t] --event--> [event2, t2]   t is aborted
 *                                      --t()----> [event, null]
 *
 * @template E
 * @param {Source<E>} source
 * @param {(event: E) => boolean} [on] which events count
 * @param {Cycle} [options]
 * @returns {Disposable<Stamped<E>>}
 */
export function StampedCyclicToken(source, on = isThere, { rearm = false } = {}) {
  const pair = signal(/** @type {Stamped<E>} */ ([null, null]));
  /** @type {AbortController | null} of the token that is up */
  let up = null;
  /** @type {{event: E} | null} what to arm with again */
  let present = null;

  /** @param {E} event */
  const arm = (event) => {
    const before = up;
    const own = new AbortController();
    up = own;

    const t = spendable(event, () => {
      if (up !== own) return false;
      up = null;
      if (rearm && present) arm(present.event);
      else pair.value = [event, null];
      return false;
    });

    batch(() => {
      before?.abort();
      pair.value = [event, Object.assign(t, { signal: own.signal })];
    });
  };

  const stop = source.subscribe((event) => {
    const counts = on(event);
    present = counts ? { event } : null;
    if (counts) arm(event);
  });

  const dispose = () => {
    present = null;
    end(stop);
  };
  return Object.assign(pair, { dispose });
}

/**
 * The same without the event (which is `t.event`, as ever).
 * @template E
 * @param {Source<E>} source
 * @param {(event: E) => boolean} [on] which events count
 * @param {Cycle} [options]
 * @returns {Disposable<Spend<E> | null>}
 */
export function CyclicToken(source, on, options) {
  return unstamped(StampedCyclicToken(source, on, options));
}
