// @ts-check
/** A line in the server's journal: one form, one token, and its error. */

import { computed, connect, effect, fromEvent, list, Token } from "../token.js";
import { unanswered } from "../token-zoo.js";
import { drawErrand, since } from "./errand.js";
import { find, showConnection, showToken } from "./frame.js";
import { drawLine } from "./line.js";
import { keepTyped } from "./typed.js";

const LINE = "log_message";
const LINE_FLAKY = "log_message_flaky";

const form = find("[data-note]", HTMLFormElement);
const text = find("#text", HTMLInputElement);
const flaky = find("[data-flaky]", HTMLInputElement);

const live = connect("/live");
const journal = live.log("journal", { last: 12 });
const sent = keepTyped(text);

const lines = fromEvent(form, "submit", taken);
const write = Token(unanswered(live, isLine, lines));

effect(() => {
  const [t] = write.value;

  if (t) {
    const service = flaky.checked ? LINE_FLAKY : LINE;
    const command = live.run(t, service, { text: t.event });

    text.value = command.value.text;
    command.outcome.then(written);
  }
});

list(
  find("[data-journal]", HTMLOListElement),
  computed(() => [...(journal.value ?? [])]),
  drawLine,
  (record) => record.seq,
);

/**
 * What the form says; the field shows it until the server has it.
 *
 * @param {Event} event
 */
function taken(event) {
  event.preventDefault();
  sent();
  return text.value.trim() || null;
}

/**
 * Others write into the journal, too: the parcels, the buttons that break.
 *
 * @param {{service: string, value: any}} command
 */
function isLine({ service, value }) {
  const isOurs = service === LINE || service === LINE_FLAKY;

  return isOurs && typeof value?.text === "string" && !("parcel" in value);
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

drawErrand(
  since(() => {
    const [t, err] = write.value;

    return t ? "busy" : err && "failed";
  }),
);

effect(() => {
  const last = journal.value?.at(-1);

  find("[data-number]", SVGElement).textContent = last ? `no. ${last.seq}` : "";
});

effect(() => {
  find("[data-empty]", HTMLElement).hidden =
    !journal.synced.value || (journal.value ?? []).length > 0;
});
