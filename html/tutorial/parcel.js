// @ts-check
/** Parcels: on which of three ways each goes, and how it is drawn. */

import { effect } from "../token.js";

/** @typedef {import("../token/command.js").Command} Command */

const ROUTES = [
  {
    name: "on foot",
    words: "800 ms",
    service: "vote_slow",
    value: { item: "parcels" },
  },
  {
    name: "by rail",
    words: "500 ms, half of them fail",
    service: "log_message_flaky",
    value: { text: "a parcel, by rail" },
  },
  {
    name: "by wire",
    words: "at once",
    service: "log_message",
    value: { text: "a parcel, by wire" },
  },
];

/** @param {number} parcel */
export function routeOf(parcel) {
  return ROUTES[(parcel - 1) % ROUTES.length];
}

/** @param {Command} command */
export function isParcel({ value }) {
  return typeof value?.parcel === "number";
}

/**
 * A row of OnAll: a token that is up.
 *
 * @param {{value: readonly [unknown, number]}} row
 */
export function drawParcel({ value: [, parcel] }) {
  const { name, words } = routeOf(parcel);

  return drawn(parcel, name, words, "pending");
}

/**
 * A command whose token is spent: what to do about it is up to the reader.
 *
 * @param {{value: Command}} row
 * @param {() => void} refocus
 */
export function drawRest({ value: command }, refocus) {
  const { parcel } = command.value;
  const item = drawn(parcel, routeOf(parcel).name, "", "failed");
  const words = item.lastElementChild;
  const remedy = item.appendChild(document.createElement("span"));

  remedy.className = "remedy";

  for (const [word, act] of /** @type {[string, () => void][]} */ ([
    ["Retry", () => command.retry()],
    ["Discard", () => command.discard()],
  ])) {
    const button = remedy.appendChild(document.createElement("button"));

    button.type = "button";
    button.className = "plain";
    button.textContent = word;
    button.ariaLabel = `${word} parcel ${parcel}`;
    button.addEventListener("click", () => {
      act();
      refocus();
    });
  }

  effect(() => {
    const state = command.state.value;
    const open = state === "pending" || state === "running";

    item.dataset.state = open ? "pending" : "failed";
    remedy.hidden = open;

    if (words) {
      words.textContent = open ? "again, with the same id" : whatOf(command);
    }
  });

  return item;
}

/** @param {Command} command */
function whatOf({ error }) {
  return error?.message ?? "It was not delivered.";
}

/**
 * @param {number} parcel
 * @param {string} name
 * @param {string} words
 * @param {string} state
 */
function drawn(parcel, name, words, state) {
  const item = document.createElement("li");

  item.dataset.state = state;

  for (const [kind, text] of [
    ["number", String(parcel)],
    ["name", name],
    ["words", words],
  ]) {
    const span = item.appendChild(document.createElement("span"));

    span.className = kind;
    span.textContent = text;
  }

  return item;
}
