// @ts-check
/**
 * Declarative HTML: what asks for a service.  Buttons, forms, and controls that
 * are a form by themselves.
 *
 * @module
 */

import { fromEvent } from "./dom.js";
import { Field } from "./field.js";
import { Form } from "./form.js";
import { askedBy, condition, pick, words } from "./html-values.js";
import { controlsOf, same } from "./input.js";
import { disableWhile, placeOf, problemOf, set, textOf } from "./problem.js";
import { say } from "./said.js";
import { computed, effect, signal } from "./signal.js";
import { Token } from "./token.js";
import { unanswered } from "./unanswered.js";

/** @typedef {import("./live.js").Live} Live */
/** @typedef {import("./command.js").Command} Command */
/** @typedef {import("./html.js").Context} Context */

const SAID = "[token-said]";

/** @param {Element} element */
const serviceOf = (element) => element.getAttribute("token-service") ?? "";

/**
 * @param {Element} button
 * @param {Context} context
 */
export function bindButton(button, { live, record }) {
  const asked = () => askedBy(button, record?.peek());
  const clicks = fromEvent(button, "click", (event) => {
    event.preventDefault();
    return { value: asked() };
  });
  const mine = (/** @type {Command} */ { service, value }) =>
    service === serviceOf(button) && same(value, asked());
  const token = Token(unanswered(live, mine, clicks));
  const command = signal(/** @type {Command | null} */ (null));
  const accepted = signal(false);
  const problem = problemOf(button);
  const label = button.textContent ?? "";

  effect(() => () => token.dispose());
  effect(() => {
    const [t] = token.value;
    if (!t) return;
    accepted.value = false;
    command.value = live.run(t, serviceOf(button), t.event.value);
  });
  effect(() => {
    if (command.value?.state.value === "ok") accepted.value = true;
  });

  const state = computed(() => {
    const [t, error] = token.value;
    return t ? "busy" : error !== null ? "failed" : accepted.value ? "accepted" : null;
  });
  effect(() => {
    const [t, error] = token.value;
    const failed = error !== null;
    const status = state.value;
    set(button, {
      "aria-busy": t !== null || null,
      "aria-invalid": failed || null,
      "data-tx-status": status,
    });
    const own = button.getAttribute(`token-${status}`);
    if (own !== null || button.hasAttribute("data-label")) {
      button.textContent = own ?? label;
      button.setAttribute("data-label", "");
    }
    problem(failed ? textOf(error) : "");
  });
  say(placeOf(button, SAID), () => state.value);

  const may = enabled(button, live);
  disableWhile(button, () => token.value[0] !== null || !may());
  showUnknown(button, command, live);
}

/**
 * @param {Element} element
 * @param {Context} context
 */
export function bindForm(element, { live, record }) {
  const target = /** @type {HTMLFormElement} */ (element);
  const atom = element.getAttribute("token-atom");
  const send = element.getAttribute("token-send") ?? "value";
  const [only] = [...controlsOf(target).keys()];

  const theirs = atom ? live.atom(atom) : undefined;
  const value =
    theirs &&
    computed(() => {
      const now = theirs.value;
      return typeof now === "object" || now === undefined ? now : { [only]: now };
    });

  const concurrent = element.hasAttribute("token-concurrent");
  const draft = element.getAttribute("token-draft");
  const mine = (/** @type {Command} */ { service }) => service === serviceOf(element);

  const form = Form(target, {
    kind: element.getAttribute("token-kind") === "entity" ? "entity" : "command",
    concurrent,
    value,
    // a concurrent one shows its commands in a list
    unanswered: concurrent ? undefined : unanswered(live, mine),
    valuesOf: ({ value }) => (send.includes(".") ? { [send.split(".")[1]]: value } : value),
    draft: draft === null ? undefined : draft || target.id || target.name || serviceOf(element),
  });
  const command = signal(/** @type {Command | null} */ (null));

  effect(() => () => form.dispose());
  effect(() => {
    for (const [t, value, changes] of form.commits.value) {
      const fixed = askedBy(element, record?.peek());
      const asked = pick({ value, changes }, send);
      const whole = typeof fixed === "object" ? { ...fixed, ...asked } : asked;
      command.value = live.run(t, serviceOf(element), whole);
    }
  });
  if (!concurrent) showUnknown(element.lastElementChild ?? element, command, live);
}

/**
 * A control without a form: every change is a commit.
 * @param {Element} element
 * @param {Context} context
 */
export function bindControl(element, { live, record }) {
  const control = /** @type {import("./input.js").Control} */ (element);
  const atom = element.getAttribute("token-atom");
  const field = Field(control, { value: atom ? live.atom(atom) : undefined });
  const command = signal(/** @type {Command | null} */ (null));
  const problem = problemOf(element);

  const change = () => {
    const edit = field.edit.peek();
    if (!edit) return;
    const fixed = askedBy(element, record?.peek());
    const value = control.name ? { ...fixed, [control.name]: edit[1] } : edit[1];
    field.commit();
    command.value = live.run(edit[0], serviceOf(element), value);
  };
  const key = (/** @type {Event} */ event) => {
    if (/** @type {KeyboardEvent} */ (event).key !== "Escape") return;
    command.peek()?.discard();
    field.reset();
  };

  effect(() => {
    element.addEventListener("change", change);
    element.addEventListener("keydown", key);
    return () => {
      element.removeEventListener("change", change);
      element.removeEventListener("keydown", key);
      field.dispose();
    };
  });
  effect(() => {
    const status = field.status.value;
    set(element, {
      "aria-busy": status === "waiting" || null,
      "aria-invalid": status === "failed" || null,
      "data-tx-status": status === "clean" ? null : status,
    });
    problem(status === "failed" ? textOf(field.error.value) : "");
  });
  say(placeOf(element, SAID), () => {
    const status = field.status.value;
    return status === "waiting" ? "busy" : status;
  });
  showUnknown(element, command, live);
}

/**
 * @param {Element} element
 * @param {Live} live
 */
function enabled(element, live) {
  const attribute = element.getAttribute("token-enabled");
  return attribute === null ? () => true : condition(attribute, live);
}

/**
 * "interrupted": a person has to decide.
 * @param {Element} after
 * @param {{readonly value: Command | null}} command
 * @param {Live} live
 */
function showUnknown(after, command, live) {
  const unknown = computed(() => {
    const now = command.value;
    if (now?.state.value !== "interrupted") return null;
    return live.commands.value.includes(now) ? now : null;
  });

  effect(() => {
    const now = unknown.value;
    if (!now) return;

    const place = after.ownerDocument.createElement("span");
    place.setAttribute("token-remedy", "");
    place.setAttribute("role", "alert");
    place.append(words.unknown, " ", ...remedies(after.ownerDocument, now));
    after.after(place);
    return () => place.remove();
  });
}

/**
 * @param {Document} document
 * @param {Command} command
 * @returns {Element[]} buttons
 */
export function remedies(document, command) {
  return /** @type {const} */ (["retry", "discard"]).map((what) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = words[what];
    button.setAttribute(`token-${what}`, "");
    button.addEventListener("click", () => command[what]());
    return button;
  });
}
