// @ts-check
/**
 * Whose turn it is: which commands are asked for, which are sent, and which
 * would break a limit.
 *
 * @module
 */

import { timeOf } from "./id.js";
import { bytesOf, depthOf } from "./wire.js";

/** @typedef {import("./command.js").Command} Command */
/** @typedef {import("./command.js").CommandError} CommandError */

/**
 * Of the server's hello.
 * @typedef {object} Limits
 * @property {number} message    bytes
 * @property {number} depth      of a message's JSON
 * @property {number} inflight   tokens
 * @property {number} watches
 */

/** until the server says otherwise */
export const LIMITS = { message: 65_536, depth: 32, inflight: 16, watches: 64 };
/** ids in one `resume` */
const RESUME = 100;
/** ms that an id may be ahead of the server */
const AHEAD = 60_000;

/**
 * @param {Command[]} commands
 * @returns {string[]} the messages that ask for what may have been run; their
 *     commands are "asked" then
 */
export function resume(commands) {
  const asked = commands.filter((each) => each.open && each.stage === "ask");
  const texts = [];

  for (let i = 0; i < asked.length; i += RESUME) {
    const part = asked.slice(i, i + RESUME);
    for (const command of part) command.stage = "asked";
    const ids = part.map((command) => command.id);
    texts.push(JSON.stringify({ type: "resume", ids }));
  }
  return texts;
}

/**
 * @param {Command[]} commands in order of submission
 * @param {number} inflight how many the server takes at a time
 * @returns {Command[]} those to send now
 */
export function turns(commands, inflight) {
  const open = commands.filter((command) => command.open);
  const waiting = open.filter(({ stage }) => stage !== "fresh" && stage !== "later");
  const room = inflight - waiting.length;
  if (room <= 0) return [];

  // within a service nothing overtakes what is to be sent again
  const blocked = new Set();
  const fresh = open.filter(({ stage, service }) => {
    if (stage !== "fresh" && stage !== "sent") blocked.add(service);
    return stage === "fresh" && !blocked.has(service);
  });
  return fresh.slice(0, room);
}

/**
 * @param {Command} command
 * @param {Limits} limits
 * @returns {CommandError | null} why the server would not take it
 */
export function excess(command, limits) {
  const text = command.text();
  if (bytesOf(text) > limits.message) {
    return { code: "too_large", message: "too large" };
  }
  if (depthOf(JSON.parse(text)) > limits.depth) {
    return { code: "bad_json", message: "too deep" };
  }
  return null;
}

/**
 * What one user has asked for is not done in the name of another.
 * @param {Command} command
 * @param {string | null | undefined} user of the session
 * @returns {CommandError | null}
 */
export function foreign(command, user) {
  command.user ??= user;
  if (command.user === user) return null;
  return { code: "user_changed", message: `${command.user} asked for it` };
}

/**
 * @param {Command} command
 * @param {number} now    the server's clock
 * @param {number} ledger ms that outcomes are remembered
 * @returns {boolean} the server would not take its id; and as it cannot have
 *     seen it, another will do
 */
export function isUntimely(command, now, ledger) {
  const age = now - timeOf(command.id);
  return !command.sent && (age < -AHEAD || age > ledger / 2);
}
