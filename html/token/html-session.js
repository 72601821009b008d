// @ts-check
/**
 * Declarative HTML: atoms, the user, the connection, and what depends on them.
 *
 * @module
 */

import { condition, pick, show, words } from "./html-values.js";
import { disableWhile, set } from "./problem.js";
import { effect } from "./signal.js";

/** @typedef {import("./html.js").Context} Context */

/**
 * @param {Element} element
 * @param {Context} context
 */
export function bindAtom(element, { live }) {
  const atom = live.atom(element.getAttribute("token-atom") ?? "");
  const path = element.getAttribute("token-path") ?? "";

  effect(() => show(element, pick(atom.value, path)));
  effect(() => set(element, { "data-error": atom.error.value?.code ?? null }));
}

/**
 * @param {Element} element
 * @param {Context} context
 */
export function bindUser(element, { live }) {
  effect(() => {
    const user = live.user.value;
    if (user === undefined) return;
    element.setAttribute("data-user", user ?? "");
    const nobody = element.getAttribute("token-empty") ?? words.anonymous;
    element.textContent = user ?? nobody;
  });
}

/**
 * @param {Element} element
 * @param {Context} context
 */
export function bindStatus(element, { live }) {
  if (!element.hasAttribute("role")) element.setAttribute("role", "status");

  effect(() => {
    const status = live.status.value;
    // an announcement of every attempt would drown the page
    const again = element.getAttribute("data-status") === "waiting";
    if (again && status === "connecting") return;
    element.setAttribute("data-status", status);
    element.textContent = element.getAttribute(`token-${status}`) ?? words[status];
  });
}

/**
 * @param {Element} element
 * @param {Context} context
 */
export function bindWhen(element, { live }) {
  const is = condition(element.getAttribute("token-when"), live);
  effect(() => {
    /** @type {HTMLElement} */ (element).hidden = !is();
  });
}

/**
 * @param {Element} element a control, or a fieldset
 * @param {Context} context
 */
export function bindEnabled(element, { live }) {
  const is = condition(element.getAttribute("token-enabled"), live);
  disableWhile(element, () => !is());
}

/**
 * Another placeholder while the control is disabled by its token-enabled, or
 * that of what it is in.
 * @param {Element} element
 * @param {Context} context
 */
export function bindPlaceholder(element, { live }) {
  const by = element.closest("[token-enabled]");
  const is = condition(by?.getAttribute("token-enabled") ?? "open", live);
  const input = /** @type {HTMLInputElement} */ (element);
  const { placeholder } = input;
  effect(() => {
    const other = element.getAttribute("token-placeholder") ?? "";
    input.placeholder = is() ? placeholder : other;
  });
}
