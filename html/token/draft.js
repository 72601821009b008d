// @ts-check
/**
 * What is typed and not committed, kept for as long as the tab lives: over a
 * reload, and a crash.  Browsers do something like it for forms that no script
 * fills; they do not for others, and never say that they have.
 *
 * @module
 */

import { effect } from "./signal.js";

/** @typedef {import("./field.js").FieldType} FieldType */
/** @typedef {import("./field.js").Edit} Edit */

/**
 * Brings back what was typed, and keeps what is.
 * @param {string} name  unique on the page
 * @param {Record<string, FieldType>} fields
 * @param {{readonly value: Edit | null}} edit  what is staged
 */
export function keepDraft(name, fields, edit) {
  const key = `token-draft:${globalThis.location?.pathname}:${name}`;

  for (const [name, value] of Object.entries(read(key))) {
    fields[name]?.type(value);
  }
  effect(() => {
    const changes = Object.entries(edit.value?.[1] ?? {});
    write(key, changes.filter(([name]) => mayBeKept(fields[name])));
  });
}

/**
 * @param {string} key
 * @returns {Record<string, any>}
 */
function read(key) {
  try {
    return Object(JSON.parse(sessionStorage.getItem(key) ?? "{}"));
  } catch {
    return {}; // the browser's settings forbid it, or it is not ours
  }
}

/**
 * @param {string} key
 * @param {[string, any][]} changes
 */
function write(key, changes) {
  try {
    if (changes.length === 0) sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, JSON.stringify(Object.fromEntries(changes)));
  } catch {
    // forbidden, or full: the text is in the form still
  }
}

/** @param {FieldType} field */
function mayBeKept({ controls }) {
  return controls.every(({ type }) => type !== "password");
}
