// @ts-check

/**
 * make bench: measures, and writes bench/results.json and bench/results.html.
 *
 *     node bench/bench.mjs [ONLY,...]
 *
 * Environment: ROUNDS (3), SECS (1): the window of one measurement.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { growth } from "./growth.mjs";
import { hot } from "./hot.mjs";
import { idle, slow } from "./holding.mjs";
import { machine } from "./machine.mjs";
import { measure } from "./rounds.mjs";
import { page } from "./page.mjs";
import { parts } from "./plan.mjs";
import { stopAll, top } from "./process.mjs";

/** @typedef {import("./rounds.mjs").Result} Result */

const only = (process.argv[2] || "").split(",").filter(Boolean);
const known = [...new Set(parts.map((part) => part.only)), "idle", "handshake",
  "slow", "growth", "hot"];

for (const name of only) {
  if (!known.includes(name)) {
    console.error(`ONLY is one of ${known.join(", ")}`);
    process.exit(2);
  }
}

/** @param {...string} names */
const wanted = (...names) => only.length === 0
  || names.some((name) => only.includes(name));

const began = Date.now();
/** @type {Result[]} */
const results = [];

try {
  for (const part of parts) {
    if (wanted(part.only)) results.push(await measure(part));
  }
  if (wanted("idle", "handshake")) {
    results.push(...await idle(wanted("idle")));
  }
  if (wanted("slow")) results.push(await slow());
  if (wanted("growth")) results.push(await growth());
  if (wanted("hot")) results.push(await hot());
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
} finally {
  await stopAll();
}

// a part that was run alone takes its old place in the results
const file = join(top, "bench", "results.json");
/** @type {{ results: Result[] }} */
let old = { results: [] };
try {
  old = JSON.parse(readFileSync(file, "utf8"));
} catch {
  // the first run
}

const order = [...parts.map((part) => part.id), "handshakes", "memory", "slow",
  "growth", "hot"];
const all = [...results, ...old.results.filter((r) =>
  !results.some((s) => s.id === r.id))]
  .sort((a, b) => order.indexOf(a.id) - order.indexOf(b.id));

if (results.length) {
  writeFileSync(file, `${JSON.stringify({ machine: machine(), results: all },
    null, 1)}\n`);
  writeFileSync(join(top, "bench", "results.html"),
    page({ machine: machine(), results: all }));
  console.error(`bench: ${Math.round((Date.now() - began) / 1000)} s; `
    + "bench/results.json and bench/results.html are written");
}

const wrong = results.filter((r) => r.rows.some((row) =>
  Object.values(row.of).some((s) => s.errors)));
if (wrong.length) {
  console.error(`bench: messages were lost, doubled or out of order in: ${
    wrong.map((r) => r.id).join(", ")}`);
}
