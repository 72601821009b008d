// @ts-check

/**
 * A measurement by hand, of servers side by side:
 *
 *     node bench/one.mjs ours,floor fanout n=1000 w=16 rounds=5
 *     node bench/one.mjs ours,ours:workers=2,pipeline tokens n=100 sync=off
 *
 * The servers run at the same time and are measured in turns; then come the
 * medians, and the ratios to the last one.  Options of the load generator are
 * given as they are; `sync`, `workers` and `stall` are those of the servers.
 */

import { load, talk } from "./measure.mjs";
import { stopAll } from "./process.mjs";
import * as servers from "./servers.mjs";

/** @param {string[]} list @returns {Record<string, string>} */
const pairs = (list) => Object.fromEntries(list.map((s) => s.split("=")));

/** @param {number[]} list @returns {number} */
const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];

const [names, mode, ...rest] = process.argv.slice(2);
const { rounds = "3", sync = "on", workers = "1", stall, ...given } =
  pairs(rest);

try {
  const all = [];
  for (const text of names.split(",")) {
    const [name, ...own] = text.split(":");
    const start = /** @type {Record<string, Function>} */ ({ ...servers })[name];
    if (!start || !mode) throw new Error("usage: see bench/one.mjs");
    const server = await start({ sync, stall, ...pairs(own),
      workers: Number(pairs(own).workers ?? workers) });
    /** @type {Record<string, number>[]} */
    const results = [];
    all.push({ text, server, results,
      options: { ...talk(name, mode), ...given } });
  }

  for (let i = 0; i < Number(rounds); i++) {
    for (const { text, server, results, options } of all) {
      const result = await load(server, mode, options);
      results.push(result);
      console.error(text.padEnd(20), JSON.stringify(result));
    }
  }

  /** @param {Record<string, number>[]} results
   * @returns {Record<string, number>} */
  const medians = (results) => Object.fromEntries(Object.keys(results[0])
    .map((key) => [key, median(results.map((r) => r[key]))]));
  const base = medians(/** @type {any} */ (all.at(-1)).results);
  for (const { text, results } of all) {
    const m = medians(results);
    console.log(text.padEnd(20), `rate ${m.rate} (x ${
      (m.rate / base.rate).toFixed(2)})  cpu_us ${m.cpu_us} (x ${
      (m.cpu_us / base.cpu_us).toFixed(2)})  p50 ${m.p50}  p99 ${m.p99}`);
  }
} finally {
  await stopAll();
}
