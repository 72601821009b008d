// @ts-check
/**
 * One line of the chat.  The element is made once for the key of the row, and
 * stays the same while the row turns from a pending command into a record.
 */

import { effect } from "../token.js";

/** @typedef {"accepted" | "pending" | "failed"} Look */

/** @type {Record<string, Look>} */
const LOOKS = {
  pending: "pending",
  running: "pending",
  ok: "pending",
  superseded: "pending",
  failed: "failed",
  rejected: "failed",
  interrupted: "failed",
};

/**
 * @param {{value: any}} row  signal of [record, command]
 * @param {{value: string | null | undefined}} me
 * @param {() => void} refocus  where the focus goes when its button is gone
 * @returns {HTMLLIElement}
 */
export function drawMessage(row, me, refocus) {
  const item = document.createElement("li");
  const who = item.appendChild(part("span", "who"));
  const when = item.appendChild(document.createElement("time"));
  const what = item.appendChild(part("span", "what"));

  when.className = "when";
  item.className = "message";

  effect(() => {
    const [record, command] = row.value;
    const look = command ? LOOKS[command.state.value] : "accepted";
    const mine = me.value !== null && record.user === me.value;

    item.dataset.state = look;
    item.classList.toggle("mine", mine);
    item.ariaBusy = look === "pending" ? "true" : null;

    who.textContent = (record.user ?? "anon") + (mine ? " (you)" : "");
    what.textContent = textOf(record.value);

    const time = new Date(record.time);

    when.dateTime = time.toISOString();
    when.title = time.toLocaleString();
    when.textContent =
      look === "pending"
        ? "sending …"
        : look === "failed"
          ? "not sent"
          : clock(time);
  });

  effect(() => {
    const [, command] = row.value;

    if (!command || LOOKS[command.state.value] !== "failed") {
      return;
    }

    const remedy = drawRemedy(command, refocus);

    item.append(remedy);
    return () => remedy.remove();
  });

  return item;
}

/**
 * What can be done about a failed message.
 *
 * @param {any} command
 * @param {() => void} refocus
 */
function drawRemedy(command, refocus) {
  const remedy = part("span", "remedy");
  const why = remedy.appendChild(document.createElement("span"));

  why.textContent =
    command.state.peek() === "interrupted"
      ? "It is not known whether this was sent."
      : (command.error?.message ?? "The server did not take it.");

  for (const [word, act] of /** @type {[string, () => void][]} */ ([
    ["Retry", () => command.retry()],
    ["Discard", () => command.discard()],
  ])) {
    const button = document.createElement("button");

    button.type = "button";
    button.className = "plain";
    button.textContent = word;
    button.addEventListener("click", () => {
      act();
      refocus();
    });
    remedy.append(button);
  }

  return remedy;
}

/**
 * A record's value is whatever somebody has sent: only a text is shown.
 *
 * @param {any} value
 */
function textOf(value) {
  return typeof value?.text === "string"
    ? value.text
    : (JSON.stringify(value) ?? "");
}

/**
 * The time of day, and before it the date where it is not today's.
 *
 * @param {Date} time
 */
function clock(time) {
  const hour = time.toLocaleTimeString([], {
    hour: "2-digit",
    minute: "2-digit",
  });

  if (time.toDateString() === new Date().toDateString()) {
    return hour;
  }

  return `${time.toLocaleDateString([], { day: "numeric", month: "short" })}, ${hour}`;
}

/**
 * @param {string} tag
 * @param {string} name
 */
function part(tag, name) {
  const element = document.createElement(tag);

  element.className = name;
  return element;
}
