// @ts-check
/** The drawing of the token's states: it shows where the token is. */

import { effect, signal } from "../token.js";
import { find } from "./frame.js";

/** How long an arrow stays lit, ms. */
const LIT = 900;

/**
 * @typedef {"idle" | "busy" | "failed"} State
 * @typedef {{value: readonly [unknown, unknown], peek(): readonly [unknown, unknown]}} Pair
 */

/** @type {Record<string, string>} */
const ARROWS = {
  "idle busy": "allocate",
  "failed busy": "retry",
  "busy idle": "accept",
  "busy failed": "reject",
};

/**
 * @param {readonly [unknown, unknown]} pair
 * @returns {State}
 */
function stateOf([t, err]) {
  return t !== null ? "busy" : err !== null ? "failed" : "idle";
}

/**
 * @param {Pair} token
 * @param {HTMLElement} button  whose clicks are the token's events
 */
export function drawMachine(token, button) {
  const drawing = find("[data-machine]", SVGSVGElement);
  const spent = signal(0);
  const discarded = signal(0);
  /** @type {State} */
  let state = "idle";

  effect(() => {
    const next = stateOf(token.value);

    if (next === state) {
      return;
    }

    light(drawing, ARROWS[`${state} ${next}`]);

    if (state === "busy") {
      spent.value = spent.peek() + 1;
    }

    state = next;
    drawing.dataset.state = state;
  });

  // On its way down to the button: the token has not taken this event yet.
  document.addEventListener(
    "click",
    (event) => {
      if (event.target === button && token.peek()[0] !== null) {
        discarded.value = discarded.peek() + 1;
        light(drawing, "discard");
      }
    },
    true,
  );

  count("[data-spent]", spent);
  count("[data-discarded]", discarded);
}

/**
 * @param {string} selector
 * @param {{value: number}} number
 */
function count(selector, number) {
  const place = find(selector, HTMLElement);

  effect(() => {
    place.textContent = String(number.value);
  });
}

/** @type {WeakMap<Element, number>} */
const timers = new WeakMap();

/**
 * @param {Element} drawing
 * @param {string | undefined} name
 */
function light(drawing, name) {
  const arrow = drawing.querySelector(`[data-arrow="${name}"]`);

  if (!arrow) {
    return;
  }

  clearTimeout(timers.get(arrow));
  arrow.classList.add("lit");
  timers.set(
    arrow,
    window.setTimeout(() => arrow.classList.remove("lit"), LIT),
  );
}
