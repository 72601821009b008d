// @ts-check
/** The chat: a shared log, optimistic lines, and who is here. */

import {
  computed,
  connect,
  effect,
  fromEvent,
  list,
  OnAll,
  reconcileBy,
} from "../token.js";
import { showAccount } from "./account.js";
import { drawErrand, since } from "./errand.js";
import { find, showConnection } from "./frame.js";
import { drawMessage } from "./message.js";
import { showPeople } from "./people.js";
import { stickToEnd } from "./scroll.js";
import { keepTyped } from "./typed.js";

const live = connect("/live");
const messages = live.log("chat", { last: 100 });

const form = find("[data-form]", HTMLFormElement);
const input = find("#text", HTMLInputElement);
const flaky = find("[data-flaky]", HTMLInputElement);
const lines = find("[data-messages]", HTMLOListElement);
const taken = keepTyped(input);

/** The check box chooses a service, as in the explainer. */
function service() {
  return flaky.checked ? "send_flaky" : "send";
}

/** Takes the text out of the field; it is empty and ready at once. */
function take(/** @type {Event} */ event) {
  event.preventDefault();

  const text = input.value.trim();

  input.value = "";
  taken();
  return text === "" || input.disabled ? null : text;
}

// One token for each Enter; each is spent by its own answer.
const typed = OnAll(fromEvent(form, "submit", take));

effect(() => {
  for (const [t, text] of typed.value) {
    live.run(t, service(), { text });
  }
});

// What the server has, and after it what it does not have yet.
const sent = computed(() =>
  live.commands.value.filter((c) => c.service.startsWith("send")),
);
const rows = computed(() => reconcileBy({ records: messages, commands: sent }));
const end = stickToEnd();

list(lines, rows, (row) => drawMessage(row, live.user, () => input.focus()));

effect(() => {
  const last = rows.value.at(-1);

  end.grown(last?.key, last !== undefined && last[1] !== null);
});

showConnection(live);
showAccount(live, form, input);
showPeople(live.presence("room"), live.user);

// The words beside the field, busy while one of its tokens is out.
effect(() => {
  const states = sent.value.map((command) => command.state.value);
  const open = states.filter((s) => s === "pending" || s === "running").length;
  const failed = states.length - open;
  const words = find("[data-sending]", HTMLElement);

  words.ariaBusy = String(typed.value.length > 0);
  words.textContent = [
    open ? `${open} on the way` : "",
    failed ? `${failed} not sent` : "",
  ]
    .filter(Boolean)
    .join(", ");
});

drawErrand(
  since(() => {
    const states = sent.value.map((command) => command.state.value);
    const open = states.some((s) => s === "pending" || s === "running");

    return open ? "busy" : states.length > 0 ? "failed" : null;
  }),
);

effect(() => {
  const last = messages.value?.at(-1);

  find("[data-number]", SVGElement).textContent = last ? `no. ${last.seq}` : "";
});

effect(() => {
  find("[data-empty]", HTMLElement).hidden =
    !messages.synced.value || rows.value.length > 0;
});
