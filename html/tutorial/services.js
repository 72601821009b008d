// @ts-check
/**
 * What a service can be.  The page itself is bound by its attributes; here is
 * only what looks on: the lanes of the picture, and the last answer.
 */

import { effect } from "../token.js";
import { live } from "../token-html.js";
import { find } from "./frame.js";

/** Ms that a lane stays lit: most answers are faster than an eye. */
const LIT = 700;

/** @type {Record<string, string>} */
const LANES = {
  toggle: "effect",
  toggle_slow: "work",
  purchase: "backend",
  sold_out: "backend",
  broken: "backend",
};

/** @type {Record<string, string>} */
const MEANINGS = {
  ok: "Yes: it is committed, for everybody.",
  rejected: "No, and that is final. Nothing is written.",
  failed: "It could not be done. Nothing is written; pressing again is a retry.",
  interrupted: "Nobody knows whether the backend has done it.",
  busy: "Not now; the client asks again by itself.",
};

/** @type {Map<string, string>} id to service */
const asked = new Map();
const session = live();

session?.onMessage(({ direction, message }) => {
  if (direction === "out" && message.type === "token") {
    asked.set(message.id, message.service);
  } else if (message.type === "outcome" && asked.has(message.id)) {
    show(asked.get(message.id) ?? "", message);
  }
});

/**
 * @param {string} service
 * @param {any} message
 */
function show(service, message) {
  find("[data-answer]", HTMLElement).textContent =
    `// ${service}\n${JSON.stringify(message, null, 2)}`;
  find("[data-meaning]", HTMLElement).textContent =
    MEANINGS[message.outcome] ?? "";
}

/** @type {Map<string, number>} */
const timers = new Map();

/** @type {Set<unknown>} */
const seen = new Set();

effect(() => {
  for (const command of session?.commands.value ?? []) {
    if (seen.has(command) || !LANES[command.service]) {
      continue;
    }

    seen.add(command);
    light(LANES[command.service], command);
  }
});

/**
 * @param {string} name
 * @param {import("../token/command.js").Command} command
 */
async function light(name, command) {
  // The picture is there twice: for a desk and for a phone.
  const lanes = document.querySelectorAll(`[data-lane="${name}"]`);
  const set = (/** @type {boolean} */ lit) =>
    lanes.forEach(({ classList }) => classList.toggle("lit", lit));

  clearTimeout(timers.get(name));
  set(true);
  await command.outcome;
  timers.set(
    name,
    window.setTimeout(() => set(false), LIT),
  );
}
