// @ts-check
/**
 * A drawing of an errand: who asks, the way there, who answers, the way back.
 * It shows how far it is; the words for it stand elsewhere on the page.
 */

import { effect } from "../token.js";
import { find } from "./frame.js";

/** Ms that the way there can be seen: most answers are faster than an eye. */
const SEEN = 300;

/** @typedef {"idle" | "busy" | "ok" | "failed"} State */

/**
 * @param {() => State} state  reads signals
 */
export function drawErrand(state) {
  const drawing = find("[data-errand]", SVGSVGElement);
  let until = 0;

  effect(() => {
    const next = state();
    const now = performance.now();

    if (next === "busy") {
      until = now + SEEN;
    }

    const wait = next === "busy" ? 0 : Math.max(0, until - now);
    const timer = setTimeout(() => {
      drawing.dataset.state = next;
    }, wait);

    return () => clearTimeout(timer);
  });
}

/**
 * What has been: a token that is gone without an error was accepted.
 *
 * @param {() => "busy" | "failed" | null} now  reads signals
 * @returns {() => State}
 */
export function since(now) {
  let asked = false;

  return () => {
    const state = now();

    asked ||= state === "busy";
    return state ?? (asked ? "ok" : "idle");
  };
}
