// @ts-check
/**
 * A form in the document: what it takes from events, and how it shows itself.
 *
 * @module
 */

import { disableWhile, problemOf, set, textOf } from "./problem.js";
import { say } from "./said.js";
import { effect } from "./signal.js";

/** @typedef {import("./form.js").FormType} FormType */
/** @typedef {import("./field.js").FieldType} FieldType */

const SUBMIT = "button:not([type]), [type=submit]";

/** @param {FormType} form */
export function showForm(form) {
  listen(form);
  for (const [name, field] of Object.entries(form.fields)) {
    showField(form.element, name, field);
  }
  showStatus(form);
}

/** @param {FormType} form */
function listen({ element, submit, discard }) {
  /** @param {Event} event */
  const submitted = (event) => {
    event.preventDefault();
    submit();
  };
  /** @param {Event} event */
  const reset = (event) => {
    event.preventDefault();
    discard();
  };
  /** @param {KeyboardEvent} event */
  const key = (event) => {
    if (event.key === "Escape" && !event.isComposing) discard();
  };
  /** @type {[string, any][]} */
  const listeners = [["submit", submitted], ["reset", reset], ["keydown", key]];

  effect(() => {
    for (const [type, fn] of listeners) element.addEventListener(type, fn);
    return () => {
      for (const [type, fn] of listeners) element.removeEventListener(type, fn);
    };
  });
}

/**
 * @param {HTMLFormElement} element
 * @param {string} name
 * @param {FieldType} field
 */
function showField(element, name, field) {
  const { controls } = field;
  const last = controls[controls.length - 1];
  const show = problemOf(last, placeIn(element, name));

  /** @param {Event} event  the browser's own check, before a submit */
  const invalid = (event) => {
    const control = /** @type {HTMLInputElement} */ (event.target);
    event.preventDefault();
    if (!element.querySelector(":focus[aria-invalid=true]")) control.focus();
    field.fail(control.validationMessage);
  };
  effect(() => {
    for (const each of controls) each.addEventListener("invalid", invalid);
    return () => {
      for (const each of controls) each.removeEventListener("invalid", invalid);
    };
  });

  effect(() => {
    const status = field.status.value;
    const error = field.error.value;
    for (const each of controls) {
      set(each, {
        "aria-busy": status === "waiting" || null,
        "aria-invalid": status === "failed" || null,
        "data-tx-status": status === "clean" ? null : status,
      });
    }
    show(error === null ? "" : textOf(error));
  });
}

/** @param {FormType} form */
function showStatus({ element, kind, concurrent, status, error, edit }) {
  const submits = [...element.querySelectorAll(SUBMIT)];
  const show = submits[0]
    ? problemOf(submits[0], placeIn(element, ""))
    : () => {};
  const busy = () => status.value === "busy";

  effect(() => {
    const now = status.value;
    const failed = now === "failed";
    set(element, {
      "aria-busy": busy() || null,
      "data-tx-status": now === "clean" ? null : now,
    });
    for (const each of submits) {
      set(each, { "aria-busy": busy() || null, "aria-invalid": failed || null });
    }
    show(failed ? textOf(error.value) : "");
  });
  say(element.querySelector("[token-said]"), () => status.value);

  for (const each of submits) {
    disableWhile(each, () => {
      if (!concurrent && busy()) return true;
      return kind === "entity" && edit.value === null;
    });
  }
}

/**
 * @param {HTMLFormElement} element
 * @param {string} name of a field; "": the form
 */
function placeIn(element, name) {
  const places = [...element.querySelectorAll("[token-error]")];
  return places.find((each) => each.getAttribute("token-error") === name);
}
