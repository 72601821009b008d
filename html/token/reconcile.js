// @ts-check
/**
 * One list of what is, and of what was asked for.
 *
 * @module
 */

import { keyOf } from "./command.js";

/** @typedef {import("./command.js").Command} Command */

/**
 * A record and its command; `key` stays the same when what was asked for has
 * become a record.
 * @template R
 * @typedef {[R, Command | null] & {key: string}} Row
 */

/**
 * @template T
 * @typedef {readonly T[] | {readonly value: readonly T[]}} ListOf
 */

/** @param {any} record */
const bySeq = (record) => record.seq;
/** @param {any} record */
const byToken = (record) => record.token;

/**
 * @param {Command} command
 * @returns {any}
 */
const asRecord = ({ id, user, time, value }) => ({
  seq: undefined,
  token: id,
  user,
  time,
  value,
});

/**
 * Every record, sorted, and then every command that has no record yet, as if
 * it had: nobody can send in the past.  A command whose record is here has been
 * replaced by it, whether or not its outcome is known.
 * @template R
 * @param {object} options
 * @param {ListOf<R>} options.records
 * @param {ListOf<Command>} options.commands  in order of submission
 * @param {(record: R) => string} [options.identify]  default: its `token`
 * @param {(record: R) => number | string} [options.sortKey]  default: its `seq`
 * @param {(command: Command) => R} [options.optimistic]  the record to be
 * @returns {Row<R>[]}
 */
export function reconcileBy({
  records,
  commands,
  identify = byToken,
  sortKey = bySeq,
  optimistic = asRecord,
}) {
  /** @type {Map<string, number>} how often an identity was seen */
  const seen = new Map();

  const rows = sorted(listOf(records), sortKey).map((record) => {
    const id = identify(record);
    const nth = seen.get(id) ?? 0;
    seen.set(id, nth + 1);
    // a token may append more than one record
    return row(record, null, nth ? `${keyOf(id)}#${nth}` : keyOf(id));
  });

  for (const command of listOf(commands)) {
    const record = optimistic(command);
    if (seen.has(identify(record))) continue;
    rows.push(row(record, command, command.key));
  }
  return rows;
}

/**
 * @template R
 * @param {R} record
 * @param {Command | null} command
 * @param {string} key
 * @returns {Row<R>}
 */
function row(record, command, key) {
  return Object.assign(
    /** @type {[R, Command | null]} */ ([record, command]),
    { key },
  );
}

/**
 * @template T
 * @param {ListOf<T>} list
 * @returns {readonly T[]}
 */
function listOf(list) {
  return "value" in list ? list.value : list;
}

/**
 * @template R
 * @param {readonly R[]} records
 * @param {(record: R) => number | string} sortKey
 * @returns {R[]} in order; equal ones stay as they are
 */
function sorted(records, sortKey) {
  return [...records].sort((a, b) => {
    const [x, y] = [sortKey(a), sortKey(b)];
    return x < y ? -1 : Number(x > y);
  });
}
