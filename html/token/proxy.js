// @ts-check
/**
 * Tokens that stand for others: what spends the one spends the other.
 *
 * @module
 */

import { computed, signal } from "./signal.js";
import { DISCARDED, isThere, reject } from "./token.js";

/**
 * @template [E=any]
 * @typedef {import("./token.js").Spend<E>} Spend
 */
/**
 * @template T
 * @typedef {import("./signal.js").ReadonlySignal<T>} ReadonlySignal
 */

/**
 * A token; a signal of a token or null; or one of a pair that has a token, such
 * as Token's and StampedToken's.
 * @typedef {Spend | ReadonlySignal<any>} TokenLike
 */

/**
 * A token that does `how` when it is spent, and is otherwise like `t`: it has
 * the same event, signal and requests, and is the same intent.
 * @template E
 * @param {Spend<E>} t
 * @param {(error?: any) => boolean} how
 * @param {Partial<import("./token.js").Traits>} [more]
 * @returns {Spend<E>}
 */
export function proxy(t, how, more) {
  const { event, signal, requests, root = t, label, children } = t;
  return Object.assign(
    /** @type {(error?: any) => boolean} */ ((error) => how(error)),
    { event, signal, requests, root, label, children },
    t.reject && { reject: t.reject },
    more,
  );
}

/**
 * A token that asks the server for something: `live.run(t)` sends it.
 * @template E
 * @param {Spend<E>} t
 * @param {string} service
 * @param {any} [value]
 * @returns {Spend<E>}
 */
export function withRequest(t, service, value) {
  return proxy(t, t, { requests: [{ service, value }] });
}

/**
 * Runs `f` once, when the token is spent through what is returned, either way.
 * @template {Spend | null} T
 * @param {T} t
 * @param {(error?: any) => void} f
 * @returns {T}
 */
export function afterAck(t, f) {
  if (!t) return t;
  let done = false;

  /** @param {(error?: any) => boolean} spend */
  const then = (spend) => (/** @type {any} */ error) => {
    try {
      return spend(error);
    } finally {
      if (!done) {
        done = true;
        f(error);
      }
    }
  };
  const more = t.reject && { reject: then(t.reject) };
  return /** @type {T} */ (proxy(t, then(t), more));
}

/**
 * Success passes, and so does a discard; errors do not, and `t` stays up.
 * @template {Spend | null} T
 * @param {T} t
 * @returns {T}
 */
export function stopErrPropagation(t) {
  if (!t) return t;
  /** @param {any} error */
  const keep = (error) => error === DISCARDED && reject(t, error) === true;
  const more = t.reject && { reject: keep };

  return /** @type {T} */ (
    proxy(t, (e) => (t.reject || !isThere(e) ? t(e) : keep(e)), more)
  );
}

/**
 * Each token of `tokens` with `wrap` around it; null once it is spent.
 * @param {TokenLike} tokens
 * @param {(t: Spend, take: () => boolean) => Spend} wrap
 *     take() is true once, and only while the token is up
 * @returns {ReadonlySignal<Spend | null>}
 */
export function wrapped(tokens, wrap) {
  /** @type {WeakMap<Spend, Spend>} */
  const known = new WeakMap();
  const taken = signal(/** @type {Spend | null} */ (null));

  const up = computed(() => {
    const t = tokenOf(tokens);
    return t === taken.value ? null : t;
  });

  return computed(() => {
    const t = up.value;
    if (!t) return null;

    const take = () => {
      if (up.peek() !== t) return false;
      taken.value = t;
      return true;
    };
    const made = known.get(t) ?? wrap(t, take);
    known.set(t, made);
    return made;
  });
}

/**
 * @param {TokenLike} tokens
 * @returns {Spend | null}
 */
function tokenOf(tokens) {
  const value = "peek" in tokens ? tokens.value : tokens;
  if (!Array.isArray(value)) return value ?? null;
  return value.find((each) => typeof each === "function") ?? null;
}
