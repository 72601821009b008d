// @ts-check
/**
 * What is remembered beside a token: the last error, or what it was spent with.
 *
 * @module
 */

import { proxy, wrapped } from "./proxy.js";
import { batch, computed, signal } from "./signal.js";
import { DISCARDED, isThere, reject } from "./token.js";

/** @typedef {import("./proxy.js").Spend} Spend */
/** @typedef {import("./proxy.js").TokenLike} TokenLike */
/**
 * @template T
 * @typedef {import("./signal.js").ReadonlySignal<T>} ReadonlySignal
 */

/**
 * A proxy that remembers the last error given to it, until it is spent without
 * one; a new token hides it, as a retry does.
 * @param {TokenLike} tokens
 * @returns {ReadonlySignal<readonly [Spend | null, any]>}
 */
export function trackToken(tokens) {
  const last = signal(/** @type {any} */ (null));

  const proxies = wrapped(tokens, (t, take) => {
    /**
     * @param {any} error
     * @param {() => any} act
     */
    const end = (error, act) =>
      batch(() => {
        if (!take()) return false;
        const kept = isThere(error) && error !== DISCARDED;
        last.value = kept ? error : null;
        return act() === true || kept;
      });

    return proxy(
      t,
      (value) => end(t.reject ? null : value, () => t(value)),
      t.reject && { reject: (error) => end(error, () => reject(t, error)) },
    );
  });

  return computed(() => {
    const t = proxies.value;
    return [t, t ? null : last.value];
  });
}

/**
 * Spending the token with a value stores it, and accepts the token; with none,
 * the data stays as it is.  `live.run` stores the service's result.
 * @template D
 * @param {TokenLike} tokens
 * @param {D} init
 * @returns {ReadonlySignal<readonly [Spend | null, D]>}
 */
export function WithDataSlot(tokens, init) {
  const data = signal(init);

  const proxies = wrapped(tokens, (t, take) => {
    /** @param {() => any} act */
    const end = (act) => batch(() => take() && act() === true);

    /** @param {any} value */
    const store = (value) => {
      if (value !== undefined) data.value = value;
      return t();
    };
    return proxy(t, (value) => end(() => store(value)), {
      reject: (error) => end(() => reject(t, error)),
    });
  });

  return computed(() => [proxies.value, data.value]);
}
