// @ts-check
/**
 * How the state of a control is shown and said: the attributes, and the text of
 * the error beside it.
 *
 * @module
 */

import { effect } from "./signal.js";

let last = 0;

/**
 * @param {any} error
 * @returns {string} for a person
 */
export function textOf(error) {
  if (typeof error === "string") return error;
  return String(error?.message ?? error?.code ?? error);
}

/**
 * Where the error of a control is shown: the element `[token-error]` that its
 * aria-describedby names, or that follows it; else one that is made.
 * @param {Element} control
 * @param {Element | null} [place] instead
 * @returns {(text: string) => void} "": there is none
 */
export function problemOf(control, place = placeOf(control, "[token-error]")) {
  let known = place;

  return (text) => {
    if (!known && !text) return;
    if (!known) {
      known = control.ownerDocument.createElement("span");
      known.setAttribute("token-error", "");
      known.setAttribute("role", "alert");
      // not between a control and its label
      (control.closest("label") ?? control).after(known);
    }
    describe(control, known, text !== "");
    if (known.textContent !== text) known.textContent = text;
  };
}

/**
 * What speaks for a control: its aria-describedby names it, or it follows, in
 * any order with what else does so.
 * @param {Element} control
 * @param {string} selector
 * @returns {Element | null}
 */
export function placeOf(control, selector) {
  const ids = (control.getAttribute("aria-describedby") ?? "").split(/\s+/);
  /** @type {(Element | "" | null)[]} */
  const found = ids.map((id) => id && control.ownerDocument.getElementById(id));
  let next = control.nextElementSibling;
  for (; next?.matches("[token-error], [token-said]"); next = next.nextElementSibling) found.push(next);
  return found.find((each) => each && each.matches(selector)) || null;
}

/**
 * @param {Element} control
 * @param {Element} by
 * @param {boolean} is
 */
function describe(control, by, is) {
  by.id ||= `token-error-${++last}`;
  const ids = (control.getAttribute("aria-describedby") ?? "").split(/\s+/);
  const others = ids.filter((id) => id && id !== by.id);
  const now = is ? [...others, by.id] : others;
  if (now.length > 0) control.setAttribute("aria-describedby", now.join(" "));
  else control.removeAttribute("aria-describedby");
}

/**
 * @param {Element} element
 * @param {Record<string, string | boolean | null>} attributes
 *     null: removed; true and false as text, as ARIA has it
 */
export function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null) element.removeAttribute(name);
    else if (element.getAttribute(name) !== String(value)) {
      element.setAttribute(name, String(value));
    }
  }
}

/**
 * Disables a control while `is()`; it gets the focus back that it lost by it.
 * @param {any} control
 * @param {() => boolean} is
 */
export function disableWhile(control, is) {
  const { ownerDocument } = control;
  let held = false;

  effect(() => {
    const disabled = is();
    if (disabled && !control.disabled) {
      held = ownerDocument.activeElement === control;
    }
    control.disabled = disabled;
    const lost = ownerDocument.activeElement;
    if (!disabled && held && (lost === null || lost === ownerDocument.body)) {
      control.focus();
    }
    if (!disabled) held = false;
  });
}
