// @ts-check
/** A list of the messages that went over the WebSocket since the last press. */

import { effect } from "../token.js";
import { find } from "./frame.js";

/** Rows kept: enough for one token and some company. */
const ROWS = 12;

/** @type {Record<string, string>} */
const LOOKS = {
  ok: "good",
  failed: "bad",
  rejected: "bad",
  interrupted: "bad",
};

/**
 * @param {import("./frame.js").Live} live
 * @param {{value: readonly [unknown, unknown]}} token
 */
export function showWire(live, token) {
  const rows = find("[data-wire]", HTMLOListElement);
  let start = performance.now();

  effect(() => {
    if (token.value[0] !== null) {
      start = performance.now();
      rows.replaceChildren();
    }
  });

  live.onMessage(({ direction, message }) => {
    if (message.type === "ping" || message.type === "pong") {
      return;
    }

    rows.append(row(performance.now() - start, direction, message));

    while (rows.children.length > ROWS) {
      rows.firstElementChild?.remove();
    }
  });
}

/**
 * @param {number} time  ms since the press
 * @param {"in" | "out"} direction
 * @param {any} message
 */
function row(time, direction, message) {
  const item = document.createElement("li");
  const look = LOOKS[message.outcome];

  if (look) {
    item.className = look;
  }

  item.append(
    span("when", `${Math.max(0, Math.round(time))} ms`),
    span("where", direction === "out" ? "→" : "←"),
    code(message),
  );

  return item;
}

/**
 * @param {string} name
 * @param {string} text
 */
function span(name, text) {
  const element = document.createElement("span");

  element.className = name;
  element.textContent = text;
  return element;
}

/** @param {any} message */
function code(message) {
  const element = document.createElement("code");

  element.textContent = summary(message);
  return element;
}

/**
 * The type first, then what tells most; ids are cut to their end, which is
 * the part that differs.
 *
 * @param {any} message
 */
export function summary({ type, id, ...rest }) {
  const words = [type];

  if (id) {
    words.push(`…${String(id).slice(-6)}`);
  }

  for (const name of [
    "channel",
    "service",
    "outcome",
    "value",
    "seq",
    "user",
  ]) {
    if (rest[name] !== undefined && rest[name] !== null) {
      words.push(`${name}: ${JSON.stringify(rest[name])}`);
    }
  }

  if (rest.error) {
    words.push(`error: ${rest.error.code}`);
  }

  return words.join("  ");
}
