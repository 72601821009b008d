// @ts-check
/** What every tutorial page has: the state of its connection, in the header. */

import { effect } from "../token.js";
import { placeOf } from "../token/problem.js";
import { say } from "../token/said.js";
import "./listing.js";
import "./menu.js";

/** @typedef {ReturnType<typeof import("../token.js").connect>} Live */

const WORDS = {
  connecting: "connecting …",
  open: "connected",
  waiting: "reconnecting …",
  offline: "offline",
  closed: "closed",
};

const LOOKS = {
  connecting: "connecting",
  open: "open",
  waiting: "waiting",
  offline: "offline",
  closed: "offline",
};

/**
 * The one element that a page is written with.
 *
 * @template {Element} T
 * @param {string} selector
 * @param {new () => T} type  what it must be
 * @returns {T}
 */
export function find(selector, type) {
  const element = document.querySelector(selector);

  if (!(element instanceof type)) {
    throw new Error(`this page has no ${selector}`);
  }

  return element;
}

/**
 * Shows the state of the connection, and says it to those who listen: the
 * element is a live region of role "status".  A state that lasts a moment
 * only is not worth a word: "connecting" is shown, but an announcement of
 * every attempt would drown the page, so equal words are not written again.
 *
 * @param {Live} live
 */
export function showConnection(live) {
  const pill = find("[data-connection]", HTMLElement);

  effect(() => {
    const status = live.status.value;
    const known = pill.dataset.status;

    if (status === "connecting" && known === "waiting") {
      return;
    }

    pill.dataset.status = LOOKS[status];
    pill.textContent = WORDS[status];
  });
}

/**
 * Shows an atom that is true or false as a lamp.
 *
 * @param {{value: unknown, seq?: number}} atom
 */
export function showLamp(atom) {
  const lamp = find("[data-lamp]", HTMLElement);
  const output = find("[data-lamp] output", HTMLOutputElement);

  effect(() => {
    const value = atom.value;

    lamp.dataset.value = String(value);
    output.value = value === undefined ? "…" : value ? "on" : "off";
  });
}

/**
 * Shows a token on the button that makes its events: the conventions of these
 * pages.  Busy: aria-busy, yellow, disabled.  Failed: aria-invalid, pink, the
 * error beside it, enabled again.  A [token-said] beside it says what lasts.
 *
 * @param {HTMLButtonElement} button
 * @param {HTMLElement} problem  where the text of the error stands
 * @param {{value: readonly [unknown, any]}} token
 * @param {() => boolean} [stops]  whether a busy button is disabled
 */
export function showToken(button, problem, token, stops = () => true) {
  const word = button.textContent;
  let held = false;

  say(placeOf(button, "[token-said]"), () => (token.value[0] ? "busy" : null));

  effect(() => {
    const [t, err] = token.value;

    // A disabled button loses the focus; the user gets it back.
    held ||= t !== null && document.activeElement === button;

    button.disabled = t !== null && stops();
    button.ariaBusy = String(t !== null);
    button.ariaInvalid = String(err !== null);
    button.textContent = err === null ? word : "Retry";
    problem.textContent = err === null ? "" : err.message;

    if (t === null && held) {
      held = false;

      if (document.activeElement === document.body) {
        button.focus();
      }
    }
  });
}
