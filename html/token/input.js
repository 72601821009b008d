// @ts-check
/**
 * The controls of one name in a form, as one value.
 *
 *     checkbox              boolean; several of one name: array of the values
 *     radio                 the value of the one that is checked, or null
 *     select multiple       array
 *     number, range         number, or null
 *     anything else         text
 *
 * @module
 */

/** @typedef {HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} Control */

const SKIPPED = ["submit", "reset", "button", "image", "file", "output", "fieldset", "object"];

/**
 * @param {HTMLFormElement} form
 * @returns {Map<string, Control[]>} by name
 */
export function controlsOf(form) {
  /** @type {Map<string, Control[]>} */
  const found = new Map();

  for (const each of form.elements) {
    const control = /** @type {Control} */ (each);
    if (!control.name || SKIPPED.includes(control.type)) continue;
    found.set(control.name, [...(found.get(control.name) ?? []), control]);
  }
  return found;
}

/**
 * @param {readonly Control[]} controls
 * @returns {any}
 */
export function read(controls) {
  const [first] = /** @type {any[]} */ (controls);

  switch (first.type) {
    case "checkbox":
      return controls.length > 1 ? checked(controls) : first.checked;
    case "radio":
      return checked(controls)[0] ?? null;
    case "select-multiple":
      return [...first.selectedOptions].map(({ value }) => value);
    case "number":
    case "range":
      return first.value === "" ? null : Number(first.value);
    default:
      return first.value;
  }
}

/**
 * @param {readonly Control[]} controls
 * @returns {any} what the page's HTML has put there
 */
export function initialOf(controls) {
  return readOf(controls, (_, form) => form.reset());
}

/**
 * @param {readonly Control[]} controls
 * @param {any} value
 * @returns {any} what they would read as with it: a text is never null
 */
export function asRead(controls, value) {
  return readOf(controls, (copies) => write(copies, value));
}

/**
 * @param {readonly Control[]} controls
 * @param {(copies: Control[], form: HTMLFormElement) => void} fill
 */
function readOf(controls, fill) {
  const form = controls[0].ownerDocument.createElement("form");
  for (const each of controls) form.append(each.cloneNode(true));
  const copies = /** @type {any[]} */ ([...form.elements]);
  fill(copies, form);
  return read(copies);
}

/**
 * @param {readonly Control[]} controls
 * @param {any} value
 */
export function write(controls, value) {
  const [first] = /** @type {any[]} */ (controls);
  const chosen = [value].flat().map(String);

  switch (first.type) {
    case "checkbox":
      if (controls.length === 1) first.checked = value === true;
      else check(controls, chosen);
      return;
    case "radio":
      return check(controls, chosen);
    case "select-multiple":
      for (const option of first.options) {
        option.selected = chosen.includes(option.value);
      }
      return;
    default:
      setText(first, value);
  }
}

/**
 * @param {any} control
 * @param {any} value
 */
function setText(control, value) {
  const text = value === null || value === undefined ? "" : String(value);
  // a write would move the caret
  if (control.value !== text) control.value = text;
}

/** @param {readonly Control[]} controls */
export function isFocused(controls) {
  return controls.some((control) => {
    const root = /** @type {Document | ShadowRoot} */ (control.getRootNode());
    return root.activeElement === control;
  });
}

/**
 * @param {any} a
 * @param {any} b
 */
export function same(a, b) {
  return JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
}

/** @param {readonly any[]} controls */
function checked(controls) {
  return controls.filter((each) => each.checked).map(({ value }) => value);
}

/**
 * @param {readonly any[]} controls
 * @param {string[]} chosen
 */
function check(controls, chosen) {
  for (const each of controls) each.checked = chosen.includes(each.value);
}
