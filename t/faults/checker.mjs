// @ts-check
/**
 * Judges a history (history.mjs): pure functions, so that a bad history made
 * by hand shows what is found.  A complaint is {code, text}:
 *
 *     lost        ok, but its effect is not in the store
 *     doubled     an effect twice
 *     ghost       an effect of what was rejected, superseded, failed, or of
 *                 what nobody asked for
 *     torn        the effects of one token are not together
 *     changed     an id has had two different answers
 *     unresolved  a token without an outcome at the end
 *     forgotten   `unknown` for what had an outcome
 *     foreign     an effect, a record or a version that is not the one asked
 *                 for, or not the one in the store
 *     hole        a change that no token accounts for
 *     model       an effect whose condition did not hold
 *     stale       an answer, or an effect, older than what was known before
 *     rejected, failed  without a reason
 *     gap         a record is missing in a stream
 *     order       a record or version repeated, or out of order
 *     reset       not announced, or for no reason
 *     late        the answer came before the change
 *     behind      a watcher has not seen the end
 *     presence    who is there is not who is there
 *     store       two reads of the same store differ
 *     protocol    PROTOCOL.md is broken
 *     log         nginx has complained
 *     process     a process has not gone, or has not come
 */

import { TokenCheck } from "./check-tokens.mjs";
import { WatchCheck } from "./check-watches.mjs";
import { Model, same } from "./model.mjs";

/** @typedef {import("./history.mjs").Event} Event */
/** @typedef {{code: string, text: string}} Complaint */

/** the server closes with these when the client, or it, is at fault */
const BAD_CODES = [1002, 1003, 1005, 1007, 1008, 1009, 1011, 4013];

/**
 * @param {Event[]} events
 * @returns {Complaint[]}
 */
export function check(events) {
  /** @type {Complaint[]} */
  const complaints = [];
  /** @param {string} code @param {string} text */
  const complain = (code, text) => {
    complaints.push({ code, text });
  };

  const readers = names(events, /^reader /);
  const [truth, ...others] = readers.map((name) => records(events, name));

  if (!truth) {
    complain("store", "there is nothing that was read at the end");
    return complaints;
  }

  const model = new Model(truth, complain);

  others.forEach((other, i) => {
    if (!same(truth, other)) {
      complain(
        "store",
        `${readers[0]} read ${truth.length} records, ${readers[i + 1]} ` +
          `${other.length}, and not the same`,
      );
    }
  });

  new TokenCheck(model, complain).check(events);

  const watches = new WatchCheck(model, complain);
  watches.check(events);
  watches.complete([...names(events, /^c\d+$/), ...readers]);

  for (const event of events) conduct(event, complain);

  return complaints;
}

/**
 * @param {Event[]} events
 * @param {RegExp} pattern
 */
function names(events, pattern) {
  const clients = new Set(events.map(({ client }) => client));
  return [...clients].filter((name) => pattern.test(name));
}

/**
 * The history as a reader was told it.
 * @param {Event[]} events
 * @param {string} reader
 */
function records(events, reader) {
  return events
    .filter(
      ({ client, type, data }) =>
        client === reader &&
        type === "told" &&
        data.type === "record" &&
        data.channel === "history",
    )
    .map(({ data }) => {
      const { seq, token, user, value } = data;
      return { seq, token, user, value };
    });
}

/**
 * What needs no model to be judged.
 * @param {Event} event
 * @param {(code: string, text: string) => void} complain
 */
function conduct({ type, client, data }, complain) {
  if (type === "breach") complain("protocol", `${client}: ${data.text}`);

  if (type === "lost") {
    const { code, reason, left } = data;

    if (!left && (BAD_CODES.includes(code) || code >= 4500)) {
      complain("protocol", `${client} is closed with ${code} "${reason}"`);
    }

    if (code === 1012 && !/^\d+$/.test(reason)) {
      complain("protocol", `${client} is sent away, for "${reason}" ms`);
    }

    if (reason.startsWith("handshake: ")) {
      complain("protocol", `${client} cannot connect: ${reason}`);
    }
  }

  if (type === "expect") {
    for (const line of data.log ?? []) complain("log", line);
    for (const line of data.process ?? []) complain("process", line);
  }
}
