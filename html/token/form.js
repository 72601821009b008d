// @ts-check
/**
 * A form: the edits of its fields, committed as one.
 *
 *   sequential   clean | dirty --submit--> busy --t()----> accepted
 *                                               --t(err)-> failed --submit--> busy
 *   concurrent   every submit takes what is in the form and leaves it empty,
 *                ready for the next ("genesis")
 *
 * @module
 */

import { compose } from "./compose.js";
import { keepDraft } from "./draft.js";
import { Field } from "./field.js";
import { showForm } from "./form-view.js";
import { controlsOf, same } from "./input.js";
import { MergeEdits } from "./merge.js";
import { proxy } from "./proxy.js";
import { batch, computed, effect, scope, signal } from "./signal.js";
import { DISCARDED, end, isThere, spendable } from "./token.js";

/** @typedef {import("./token.js").Spend} Spend */
/** @typedef {import("./field.js").FieldType} FieldType */
/** @typedef {import("./field.js").Edit} Edit */
/**
 * @template T
 * @typedef {import("./signal.js").ReadonlySignal<T>} ReadonlySignal
 */
/** @typedef {Record<string, any>} Values */
/** @typedef {readonly [t: Spend, value: Values, changes: Values]} Commit */
/** @typedef {"clean" | "dirty" | "busy" | "failed" | "accepted"} FormStatus */
/** @typedef {import("./command.js").Command} Command */
/** @typedef {ReturnType<typeof Form>} FormType */

/**
 * @typedef {object} FormOptions
 * @property {"command" | "entity"} [kind]
 *     command (default): may be submitted again with the same values.  entity:
 *     nothing to commit unless dirty
 * @property {boolean} [concurrent]
 * @property {ReadonlySignal<Values | null | undefined>} [value]
 *     what the server has, by the names of the fields
 * @property {(value: Values) => Record<string, any> | null | undefined} [validate]
 *     the problems, by the names of the fields; null: none
 * @property {import("./token.js").Source<Command>} [unanswered]
 *     what an earlier load of the page has left, see unanswered(): the form is
 *     busy with it, and settled by it
 * @property {(command: Command) => Values} [valuesOf]
 *     the fields of such a command; default: its value
 * @property {string} [draft]
 *     unique on the page: what is typed survives a reload of it
 */

/**
 * @param {HTMLFormElement} element
 * @param {FormOptions} [options]
 */
export function Form(element, options = {}) {
  const { kind = "command", concurrent = false, value: theirs, validate } = options;
  const { unanswered, valuesOf = ({ value }) => value, draft } = options;
  /** @type {Record<string, FieldType>} */
  const fields = {};
  for (const [name, controls] of controlsOf(element)) {
    const value = theirs && computed(() => theirs.value?.[name]);
    fields[name] = Field(controls, { value });
  }
  const all = Object.values(fields);
  const edit = mergeOf(element, fields);

  const rows = signal(/** @type {readonly Commit[]} */ ([]));
  const error = signal(/** @type {any} */ (null));
  const accepted = signal(/** @type {object | null} */ (null));
  /** @type {AbortController | null} of the commit that is under way */
  let up = null;

  const status = computed(() => {
    if (rows.value.length > 0) return "busy";
    if (error.value !== null) return "failed";
    if (edit.value) return "dirty";
    return accepted.value ? "accepted" : "clean";
  });

  /** @returns {Values} what stands in the fields that take part */
  const read = () => {
    const parts = Object.entries(fields).filter(([, { controls }]) =>
      controls.some((each) => !each.matches(":disabled")),
    );
    return Object.fromEntries(parts.map(([name, field]) => [name, field.read()]));
  };

  /** @param {Record<string, any>} problems */
  const refuse = (problems) => {
    for (const [name, field] of Object.entries(fields)) field.fail(problems[name] ?? null);
  };

  /** @param {Spend} t @param {Values} value @param {Values} changes */
  const add = (t, value, changes) => {
    /** @type {Commit} */
    const row = [t, value, changes];
    rows.value = [...rows.peek(), row];
    return () => void (rows.value = rows.peek().filter((each) => each !== row));
  };

  /**
   * it goes its own way, whatever becomes of the form
   * @param {any} event @param {Values} value @param {Values} changes
   */
  const commitApart = (event, value, changes) => {
    const t = spendable(event, () => (remove(), false));
    const remove = add(t, value, changes);
  };

  /**
   * @param {Values} value
   * @param {Edit | null} staged
   * @param {readonly FieldType[]} parts
   * @param {Command} [command] that asks for it already
   */
  const commit = (value, staged, parts, command) => {
    const changes = staged?.[1] ?? {};
    const own = new AbortController();

    /** @param {any} problem */
    const done = (problem) => {
      const kept = isThere(problem) && problem !== DISCARDED;
      const { fields: problems } = Object(kept && problem);
      up = null;
      remove();
      error.value = kept ? problem : null;
      for (const [name, field] of Object.entries(fields)) field.release(problems?.[name]);
      // the user has gone on typing: that is not accepted by this
      accepted.value = isThere(problem) || edit.peek() ? null : own;
      return kept;
    };
    const t = spendable(command ?? { value, changes }, done);
    // an error is for the form: the fields keep their edits
    const rest = staged && proxy(staged[0], (problem) => {
      if (!isThere(problem) || problem === DISCARDED) staged[0](problem);
      return false;
    });
    const whole = compose(element.name || "form", rest, t);
    let spent = false;
    // once: what the form has been told is not taken back with the command
    const spend = (/** @type {any} */ problem) => {
      if (spent) return false;
      spent = true;
      return batch(() => whole(problem));
    };

    up = own;
    for (const field of parts) field.commit();
    const token = proxy(whole, spend, { event: t.event, root: t, signal: own.signal });
    const remove = add(token, value, changes);
  };

  const submit = () =>
    batch(() => {
      const staged = edit.peek();
      if (up || (kind === "entity" && !staged)) return;

      const value = read();
      const problems = validate?.(value);
      error.value = accepted.value = null;
      if (problems && Object.values(problems).some(isThere)) refuse(problems);
      else if (!concurrent) commit(value, staged, all);
      else {
        const changes = staged?.[1] ?? {};
        commitApart({ value, changes }, value, changes);
        for (const field of all) field.reset();
      }
    });

  /** @param {Command} command  of an earlier load of the page */
  const resume = (command) =>
    batch(() => {
      if (up) return; // it is offered again
      const value = Object(valuesOf(command));
      if (concurrent) return commitApart(command, value, {});
      /** @type {typeof fields} those in which the user has not gone on */
      const parts = {};

      for (const [name, field] of Object.entries(fields)) {
        if (!(name in value)) continue;
        if (!field.edit.peek()) field.type(value[name]);
        if (same(field.edit.peek()?.[1], value[name])) parts[name] = field;
      }
      error.value = accepted.value = null;
      commit(value, mergeOf(element, parts).peek(), Object.values(parts), command);
    });

  /** as if nothing had been typed; what is in flight is cancelled */
  const discard = () =>
    batch(() => {
      if (up) {
        const [[t]] = rows.peek();
        up.abort();
        t(DISCARDED);
      }
      for (const field of all) field.reset();
      error.value = accepted.value = null;
    });

  const form = {
    element,
    fields,
    kind,
    concurrent,
    /** what is staged: [t, changes], or null */
    edit,
    /** what is committed: rows of [t, value, changes]; spend t with the answer */
    commits: /** @type {ReadonlySignal<readonly Commit[]>} */ (rows),
    /** @type {ReadonlySignal<FormStatus>} */
    status,
    error: /** @type {ReadonlySignal<any>} */ (error),
    submit,
    discard,
    dispose: () => {},
  };

  const [, stop] = scope(() => {
    effect(() => void (edit.value && (accepted.value = null)));
    if (draft) keepDraft(draft, fields, edit);
    showForm(form);
    const offers = unanswered?.subscribe(resume);
    effect(() => () => end(offers));
  });
  form.dispose = () => {
    stop();
    for (const field of all) field.dispose();
  };
  return form;
}

/**
 * @param {HTMLFormElement} element
 * @param {Record<string, FieldType>} fields
 * @returns {ReadonlySignal<Edit | null>}
 */
function mergeOf(element, fields) {
  const edits = Object.entries(fields).map(([name, { edit }]) => [name, edit]);
  return MergeEdits(element.name || element.id || "form", Object.fromEntries(edits));
}
