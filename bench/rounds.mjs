// @ts-check

/** Servers measured in turns: A B C, A B C, so that a noisy minute is shared. */

import { load, talk, xadd } from "./measure.mjs";
import * as servers from "./servers.mjs";

/** @typedef {import("./plan.mjs").Part} Part */
/** @typedef {import("./plan.mjs").Contender} Contender */

/**
 * A value that was measured some times.
 * @typedef {{ median: number, min: number, max: number, all: number[] }} Spread
 */

/**
 * @typedef {object} Row
 * @property {string} label
 * @property {Record<string, any>} of  by contender: values by name, each a
 *   Spread, and `errors`, a number
 */

/**
 * @typedef {object} Result
 * @property {string} id
 * @property {string} title
 * @property {string} unit
 * @property {string} key  the value that is shown first
 * @property {boolean} [less]  less of it is better
 * @property {string} base  the contender that ratios are to; may be empty
 * @property {string} note
 * @property {import("./growth.mjs").Curve[]} [curves]
 * @property {string} date
 * @property {string[]} names
 * @property {Row[]} rows
 */

export const rounds = Number(process.env.ROUNDS) || 3;
export const secs = Number(process.env.SECS) || 1;

/** @param {number[]} all @returns {Spread} */
export function spread(all) {
  const sorted = [...all].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const median = sorted.length % 2 ? sorted[half]
    : (sorted[half - 1] + sorted[half]) / 2;
  return { median, min: sorted[0], max: sorted[sorted.length - 1], all };
}

/** What was measured in rounds, by name.
 * @param {Record<string, number>[]} list
 * @returns {Record<string, any>} */
export function gather(list) {
  /** @type {Record<string, any>} */
  const values = {};
  for (const key of Object.keys(list[0])) {
    values[key] = spread(list.map((one) => one[key]));
  }
  values.errors = list.reduce((sum, one) => sum + (one.errors ?? 0), 0);
  return values;
}

/** @param {number} x @returns {string} */
export const brief = (x) => x >= 1e6 ? `${(x / 1e6).toFixed(2)}M`
  : x >= 1e4 ? `${Math.round(x / 1e3)}k` : x >= 1e3 ? `${(x / 1e3).toFixed(1)}k`
    : String(Math.round(x * 10) / 10);

/** The line that says how far it is. @param {string} text */
export const progress = (text) => console.error(`${
  new Date().toISOString().slice(11, 19)} ${text}`);

/** Starts what one contender is.
 * @param {Contender} contender
 * @returns {Promise<import("./process.mjs").Server>} */
export function begin({ start, options = {} }) {
  return /** @type {Record<string, Function>} */ ({ ...servers })[start](
    options);
}

/** One part.
 * @param {Part} part
 * @returns {Promise<Result>} */
export async function measure(part) {
  const running = [];
  for (const contender of part.contenders) {
    running.push({ ...contender, server: await begin(contender) });
  }

  const rows = [];
  for (const { label, load: options, not = [] } of part.points) {
    /** @type {Record<string, Record<string, number>[]>} */
    const lists = {};
    for (let round = 0; round < rounds; round++) {
      for (const { name, start, server, load: own } of running) {
        if (not.includes(name)) continue;
        (lists[name] ??= []).push(start === "redis"
          ? await xadd(server, Number(options.n), Number(options.n) * 50 + 5000)
          : await load(server, part.mode, { secs, warm: 0.2,
            ...talk(start, part.mode), ...options, ...own }));
      }
    }

    const of = Object.fromEntries(Object.entries(lists).map(([name, list]) =>
      [name, gather(list)]));
    rows.push({ label, of });
    progress(`${part.id}: ${label}: ${Object.entries(of).map(([name, v]) =>
      `${name} ${brief(v.rate.median)}${v.errors ? " WRONG" : ""}`)
      .join(", ")}`);
  }

  for (const { server } of running) await server.stop();
  return { id: part.id, title: part.title, unit: part.unit, base: part.base,
    key: part.id === "latency" ? "p50" : "rate", less: part.id === "latency",
    note: part.note, date: new Date().toISOString(), rows,
    names: part.contenders.map((c) => c.name) };
}
