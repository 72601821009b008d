// @ts-check
/**
 * What becomes of a control, in the page's own words: visible, and said by a
 * screen reader.  Only an element `[token-said]` says something, and only of
 * the states for which it has a word:
 *
 *     <output token-said token-busy="Saving …" token-accepted="Saved"></output>
 *
 * @module
 */

import { set } from "./problem.js";
import { effect } from "./signal.js";

/** Ms that nobody needs to be told about: most answers are faster. */
const SHORT = 400;

/**
 * @param {Element | null} place  that says it; null: nobody does
 * @param {() => string | null} status  reads signals
 */
export function say(place, status) {
  if (!place) return;
  // as an <output> is
  if (!place.hasAttribute("role")) place.setAttribute("role", "status");

  effect(() => {
    const now = status();
    const words = place.getAttribute(`token-${now}`) ?? "";
    /** @param {string} text */
    const write = (text) => {
      if (place.textContent !== text) place.textContent = text;
      set(place, { "data-tx-status": text ? now : null });
    };

    write(now === "busy" ? "" : words);
    if (now !== "busy") return;
    const timer = setTimeout(write, SHORT, words);
    return () => clearTimeout(timer);
  });
}
