// @ts-check
/** Search while you type: the latest question wins, the others are called back. */

import { computed, connect, effect, fromEvent, list, signal } from "../token.js";
import { CyclicToken, WithDataSlot } from "../token-zoo.js";
import { offerLines } from "./fill.js";
import { find, showConnection } from "./frame.js";
import { drawLine } from "./line.js";
import { drawQuestion } from "./question.js";

const input = find("#q", HTMLInputElement);
const slow = find("[data-slow]", HTMLInputElement);

const live = connect("/live");
const questions = signal(/** @type {readonly any[]} */ ([]));

const typed = fromEvent(input, "input", () => input.value.trim());
const search = WithDataSlot(CyclicToken(typed), []);

effect(() => {
  const [t] = search.value;

  if (t && t.event === "") {
    t([]);
  } else if (t) {
    const service = slow.checked ? "search_slow" : "search";

    show(live.run(t, service, { q: t.event, limit: 20 }));
  }
});

/** @param {import("../token/command.js").Command} command */
function show(command) {
  const known = questions.peek();

  if (!known.includes(command)) {
    questions.value = [command, ...known].slice(0, 12);
  }
}

showConnection(live);
offerLines(live);

list(
  find("[data-questions]", HTMLOListElement),
  questions,
  drawQuestion,
  (command) => command.key,
);

// A record is drawn anew when the letters to mark are others.
const found = computed(() => {
  const [, records] = search.value;

  return records.map((/** @type {any} */ record) => ({ record, q: lastQuestion() }));
});

list(
  find("[data-found]", HTMLOListElement),
  found,
  ({ value: { record, q } }) =>
    drawLine({ value: record }, (text) => marked(text, q)),
  ({ record, q }) => `${record.seq} ${q}`,
);

effect(() => {
  const [t, records] = search.value;
  const busy = t !== null;

  find("[data-results]", HTMLElement).ariaBusy = String(busy);
  input.ariaBusy = String(busy);
  find("[data-words]", HTMLElement).textContent = busy
    ? "searching …"
    : lastQuestion() === ""
      ? "Type something."
      : records.length === 1
        ? "1 line"
        : `${records.length} lines`;
});

/** The newest question that has been answered. */
function lastQuestion() {
  const answered = questions.value.find((each) => each.state.value === "ok");

  return input.value.trim() === "" ? "" : (answered?.value.q ?? "");
}

/**
 * @param {string} text
 * @param {string} q
 * @returns {(string | Node)[]}
 */
function marked(text, q) {
  const at = q === "" ? -1 : text.toLowerCase().indexOf(q.toLowerCase());

  if (at < 0) {
    return [text];
  }

  const mark = document.createElement("mark");

  mark.textContent = text.slice(at, at + q.length);
  return [text.slice(0, at), mark, text.slice(at + q.length)];
}
