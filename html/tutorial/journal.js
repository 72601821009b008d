// @ts-check
/** A line in the server's journal: one form, one token, and its error. */

import { computed, connect, effect, fromEvent, list, Token } from "../token.js";
import { find, showConnection, showToken } from "./frame.js";
import { drawLine } from "./line.js";

const form = find("[data-note]", HTMLFormElement);
const text = find("#text", HTMLInputElement);
const flaky = find("[data-flaky]", HTMLInputElement);

const live = connect("/live");
const journal = live.log("journal", { last: 12 });

const write = Token(fromEvent(form, "submit", taken));

effect(() => {
  const [t] = write.value;

  if (t) {
    const service = flaky.checked ? "log_message_flaky" : "log_message";

    live.run(t, service, { text: t.event }).outcome.then(written);
  }
});

list(
  find("[data-journal]", HTMLOListElement),
  computed(() => [...(journal.value ?? [])]),
  drawLine,
  (record) => record.seq,
);

/**
 * What the form says; the field keeps it until the server has it.
 *
 * @param {Event} event
 */
function taken(event) {
  event.preventDefault();
  return text.value.trim() || null;
}

/** @param {{outcome: string}} answer */
function written({ outcome }) {
  if (outcome === "ok") {
    text.value = "";
  }
}

showConnection(live);
showToken(
  find("[data-write]", HTMLButtonElement),
  find("[data-error]", HTMLElement),
  write,
);

effect(() => {
  const [t, err] = write.value;

  text.readOnly = t !== null;
  text.ariaInvalid = String(err !== null);
});

effect(() => {
  find("[data-empty]", HTMLElement).hidden =
    !journal.synced.value || (journal.value ?? []).length > 0;
});
