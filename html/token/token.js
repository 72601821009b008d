// @ts-check
/**
 * Tokens: callbacks turned into values.  A token is there once an event has
 * happened, is spent once by being called, and is dead then.
 *
 * The rest of the zoo is in token-zoo.js: each member is a function of a
 * source, or of a token, that returns a signal.
 *
 * @module
 */

import { detached, signal } from "./signal.js";

/**
 * @template T
 * @typedef {import("./signal.js").ReadonlySignal<T>} ReadonlySignal
 */

/**
 * What a token may have besides.
 * @template [E=any]
 * @typedef {object} Traits
 * @property {E} event                  that made it
 * @property {AbortSignal} [signal]     aborted: nobody wants its effect now
 * @property {readonly Request[]} [requests]  what it asks the server for
 * @property {object} [root]            the same for all that stand for one intent
 * @property {(error: any) => boolean} [reject]  there: a call takes a result,
 *     and this takes the error
 * @property {string} [label]           for trace()
 * @property {readonly Spend[]} [children]  of a composite
 */

/**
 * Spends the token: without an error it is accepted, with one it is rejected.
 * A second call changes nothing.
 * @template [E=any]
 * @typedef {((error?: any) => boolean) & Readonly<Traits<E>>} Spend
 *     true: the error is kept, and shown where the event came from
 */

/**
 * Anything that calls `fn` with events; what it returns ends that.
 * @template [E=any]
 * @typedef {{subscribe(fn: (event: E) => void): unknown}} Source
 */

/**
 * @template E
 * @typedef {[Spend<E> | null, any]} Pair
 */

/** @typedef {import("./command.js").Command} Command */
/** @typedef {import("./command.js").Request} Request */

/** @type {[null, null]} */
const IDLE = [null, null];

/** The error that is none: the user does not want it any more. */
export const DISCARDED = { code: "discarded" };

/** @param {unknown} event */
export const isThere = (event) => event !== null && event !== undefined;

/**
 * One token at a time; events while there is one are discarded.
 *
 *   idle [null, null] --event--> busy [t, null] --t()-----> idle
 *                                               --t(err)--> failed [null, err]
 *   failed --event--> busy
 *
 * @template E
 * @param {Source<E>} source
 * @param {(event: E) => boolean} [on] which events count
 * @returns {ReadonlySignal<Pair<E>> & {dispose(): void}}
 */
export function Token(source, on = isThere) {
  const pair = signal(/** @type {Pair<E>} */ (IDLE));

  const stop = source.subscribe((event) => {
    if (pair.peek()[0] !== null || !on(event)) return;

    const t = spendable(event, (error) => {
      const kept = isThere(error) && error !== DISCARDED;
      pair.value = kept ? [null, error] : IDLE;
      return kept;
    });
    pair.value = [t, null];
  });

  return Object.assign(pair, { dispose: () => end(stop) });
}

/**
 * One token per event.  A row falls out when its own token is spent.
 * @template E
 * @param {Source<E>} source
 * @param {(event: E) => boolean} [on] which events count
 * @returns {ReadonlySignal<readonly [Spend<E>, E][]> & {dispose(): void}}
 */
export function OnAll(source, on = isThere) {
  const rows = signal(/** @type {readonly [Spend<E>, E][]} */ ([]));

  const stop = source.subscribe((event) => {
    if (!on(event)) return;

    const t = spendable(event, () => {
      rows.value = rows.peek().filter((each) => each !== row);
      return false;
    });
    /** @type {[Spend<E>, E]} */
    const row = [t, event];
    rows.value = [...rows.peek(), row];
  });

  return Object.assign(rows, { dispose: () => end(stop) });
}

/**
 * Spends `t` with the outcome of `command`, and with that of a retry if it has
 * survived the first.  Where there is none yet, or one that nobody knows
 * ("interrupted"), `t` stays up.
 * @param {((error?: any) => unknown) & Partial<Traits>} t
 * @param {Command} command
 * @returns {Command}
 */
export function spend(t, command) {
  const drop = () => command.discard();
  command.token = t;
  if (t.signal?.aborted) drop();
  t.signal?.addEventListener("abort", drop);

  detached(() =>
    command.state.subscribe((state) => {
      if (state === "ok") t(t.reject && command.result);
      else if (state === "superseded") t();
      else if (state === "rejected" || state === "failed") {
        if (reject(t, command.error ?? { code: state }) === true) command.leave();
      }
    }),
  );
  return command;
}

/**
 * @param {((error?: any) => unknown) & Partial<Traits>} t
 * @param {any} error
 */
export function reject(t, error) {
  return (t.reject ?? t)(error);
}

/**
 * @template E
 * @param {E} event
 * @param {(error: any) => boolean} how
 * @returns {Spend<E>}
 */
export function spendable(event, how) {
  let spent = false;

  /** @param {any} [error] */
  const t = (error) => {
    if (spent) return false;
    spent = true;
    return how(error);
  };
  return Object.assign(t, { event });
}

/** @param {any} stop what subscribe() has returned */
export function end(stop) {
  if (typeof stop === "function") stop();
  else stop?.unsubscribe?.();
}
