// @ts-check
/**
 * A field of a form: what the user has done to it, as an edit.
 *
 *   clean --input--> dirty --commit()--> waiting --t()----> accepted --> clean
 *                                                --t(err)-> failed --input--> dirty
 *
 * What the server has is written into a clean field that has no focus, and into
 * no other: the user's input is not damaged.
 *
 * @module
 */

import { asRead, initialOf, isFocused, read, same, write } from "./input.js";
import { batch, computed, signal } from "./signal.js";
import { DISCARDED, isThere, spendable } from "./token.js";

/** @typedef {import("./input.js").Control} Control */
/** @typedef {import("./token.js").Spend} Spend */
/**
 * @template T
 * @typedef {import("./signal.js").ReadonlySignal<T>} ReadonlySignal
 */
/** @typedef {"clean" | "dirty" | "waiting" | "failed" | "accepted"} FieldStatus */
/** @typedef {readonly [Spend, any]} Edit   a token, and the value asked for */
/** @typedef {ReturnType<typeof Field>} FieldType */

/**
 * @param {Control | readonly Control[]} control  several: of one name
 * @param {{value?: ReadonlySignal<any>}} [options]
 *     value: what the server has; undefined: it has nothing
 */
export function Field(control, { value: theirs } = {}) {
  const controls = "length" in control && !("type" in control) ? control : [control];
  const own = /** @type {readonly Control[]} */ (controls);
  // the user may have typed before this runs, or the browser have brought it
  // back; where the server has a value, it is that of then, unless he is in it
  const initial = theirs && !isFocused(own) ? read(own) : initialOf(own);
  const edit = signal(/** @type {Edit | null} */ (null));
  const committed = signal(/** @type {Edit | null} */ (null));
  const error = signal(/** @type {any} */ (null));
  const accepted = signal(false);

  let seen = initial;

  /** what it shows while nobody has touched it */
  const base = () => {
    const value = theirs?.peek();
    return value === undefined ? initial : asRead(own, value);
  };

  /** @param {any} value */
  const put = (value) => {
    write(own, value);
    seen = read(own);
  };

  /** @param {any} value @returns {Edit} with a token of its own */
  const stage = (value) => {
    const t = spendable(value, (problem) => batch(() => spent(problem)));
    /** @type {Edit} */
    const staged = [t, value];

    /** @param {any} problem */
    const spent = (problem) => {
      if (committed.peek() === staged) committed.value = null;
      // the user has gone on typing: that is not settled by this
      if (edit.peek() !== staged) return sync();

      const kept = isThere(problem) && problem !== DISCARDED;
      edit.value = kept ? stage(value) : null;
      error.value = kept ? problem : null;
      accepted.value = !isThere(problem);
      if (problem === DISCARDED) put(base());
      else sync();
      return kept;
    };
    return staged;
  };

  const changed = () =>
    batch(() => {
      const value = read(own);
      // "change" comes after "input" has said it
      if (same(value, seen)) return;
      seen = value;
      const sent = committed.peek();
      error.value = null;
      accepted.value = false;

      if (sent && same(value, sent[1])) edit.value = sent;
      else if (!sent && same(value, base())) edit.value = null;
      else edit.value = stage(value);
    });

  const sync = () => {
    const now = edit.peek();
    const open = now && !committed.peek() && error.peek() === null;
    // somebody else has said the same
    if (open && same(now[1], base())) edit.value = null;

    const mine = edit.peek() || committed.peek() || error.peek() !== null;
    const value = theirs?.peek();
    if (!mine && value !== undefined && !isFocused(own)) put(value);
    return false;
  };

  const status = computed(() => {
    const now = edit.value;
    /** @type {FieldStatus} */
    let status = accepted.value ? "accepted" : "clean";
    if (now) status = now === committed.value ? "waiting" : "dirty";
    return error.value === null ? status : "failed";
  });

  changed();
  const end = theirs?.subscribe(sync);
  for (const each of own) {
    each.addEventListener("input", changed);
    each.addEventListener("change", changed);
    each.addEventListener("blur", sync);
  }

  return {
    controls: own,
    /** [t, value] while the field is dirty, or null */
    edit: /** @type {ReadonlySignal<Edit | null>} */ (edit),
    status,
    error: /** @type {ReadonlySignal<any>} */ (error),
    /** what stands in it */
    read: () => read(own),
    /** as if the user had typed it  @param {any} value */
    type: (value) =>
      batch(() => {
        put(value);
        edit.value = stage(value);
        error.value = null;
        accepted.value = false;
      }),
    /** its edit is on the way, until its token is spent or release() */
    commit: () =>
      batch(() => {
        committed.value = edit.peek();
        error.value = null;
      }),
    /**
     * the attempt is over, and has changed nothing
     * @param {any} [problem]  with what was sent: not with what was typed since
     */
    release: (problem) =>
      batch(() => {
        const sent = committed.peek();
        committed.value = null;
        if (isThere(problem) && edit.peek() === sent) error.value = problem;
        sync();
      }),
    /** @param {any} problem  to be shown beside it; null: there is none */
    fail: (problem) =>
      batch(() => {
        error.value = problem;
        sync();
      }),
    /** as the server has it, or as it was at first; with no edit */
    reset: () =>
      batch(() => {
        edit.value = committed.value = error.value = null;
        accepted.value = false;
        put(base());
      }),
    dispose: () => {
      end?.();
      for (const each of own) {
        each.removeEventListener("input", changed);
        each.removeEventListener("change", changed);
        each.removeEventListener("blur", sync);
      }
    },
  };
}
