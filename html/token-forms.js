// @ts-check
/**
 * Forms: edits of fields, committed as one.
 *
 *     import { connect, effect } from "./token.js";
 *     import { Form } from "./token-forms.js";
 *
 *     const profile = live.atom("profile");
 *     const form = Form(element, { kind: "entity", value: profile });
 *
 *     effect(() => {
 *       for (const [t, value, changes] of form.commits.value) {
 *         live.run(t, "rename", changes);
 *       }
 *     });
 *
 *     Form(element, {kind?, concurrent?, value?, validate?})
 *
 *     kind        "command" (default): may be submitted again with the same
 *                 values, like POST.  "entity": nothing to commit unless it is
 *                 dirty, like PUT and PATCH
 *     concurrent  every submit takes what is in the form and leaves it empty,
 *                 ready for the next ("genesis").  Else one is in flight at a
 *                 time, and the button is disabled, busy, failed, or enabled
 *     value       signal of what the server has, an object by field name.  It
 *                 is written into a field unless that is focused, dirty,
 *                 waiting or failed
 *     validate    (value) -> {field: problem} | null.  The browser's own checks
 *                 (required, pattern, ...) are made before, and shown likewise
 *
 *     .commits    signal of rows [t, value, changes]: all fields, and those
 *                 that are dirty.  t() accepts, t(error) rejects: the error is
 *                 shown by the button, and error.fields = {field: problem}
 *                 beside the fields; what was typed stays
 *     .edit       signal: what is staged, [t, changes], or null
 *     .status     signal: "clean", "dirty", "busy", "failed", "accepted"
 *     .error      signal
 *     .fields     by name: .status ("clean", "dirty", "waiting", "failed",
 *                 "accepted"), .error, .edit, .read(), .fail(problem), .reset()
 *     .submit()   as the button does
 *     .discard()  as Escape and <button type="reset"> do: the fields are as the
 *                 server has them (or as they were at first), and the commit in
 *                 flight is cancelled.  Concurrent ones are on their own then
 *     .dispose()
 *
 * Errors are shown in [token-error="field"], and in [token-error=""] that of the
 * form; else in an element that is made after the control.  What has become of
 * it is said in [token-said], by its words: token-accepted="Saved", and
 * token-busy="Saving …" when that lasts.  Attributes to style: aria-busy,
 * aria-invalid, data-tx-status, on the form, its controls and buttons.
 *
 *     Field(control, {value?})       one field without a form
 *     MergeEdits(name, {field: edit, ...})    signal of [t, values] | null: the
 *                                    edits of fields as one, with one token
 *
 * @module
 */

export { Field } from "./token/field.js";
export { Form } from "./token/form.js";
export { MergeEdits } from "./token/merge.js";
