// @ts-check
/** One question to the server, and what has become of it. */

import { effect } from "../token.js";

/** @type {Record<string, string>} */
const WORDS = {
  pending: "asking …",
  running: "asking …",
  superseded: "called back",
};

/**
 * @param {{value: any}} row  signal of a command
 * @returns {HTMLLIElement}
 */
export function drawQuestion(row) {
  const item = document.createElement("li");
  const command = row.value;
  const word = document.createElement("s");
  const state = document.createElement("span");

  item.append(word, state);

  effect(() => {
    const now = command.state.value;
    // It was wanted no more, whether the server could still be told or not.
    const gone = command.discarded || now === "superseded";
    const shown = document.createElement(gone ? "s" : "span");

    shown.textContent = command.value.q;
    shown.className = "q";
    item.replaceChildren(shown, state);
    item.dataset.state = gone ? "superseded" : now;
    state.textContent =
      WORDS[now] ??
      (command.result ? `${command.result.length} found` : "not answered");
  });

  return item;
}
