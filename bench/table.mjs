// @ts-check

/**
 * Prints the table of ratios for README.md from bench/results.json:
 *
 *     node bench/table.mjs
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { top } from "./process.mjs";
import { brief } from "./rounds.mjs";

/** @typedef {import("./rounds.mjs").Result} Result */

/** @type {{ machine: import("./machine.mjs").Machine, results: Result[] }} */
const { machine, results } = JSON.parse(readFileSync(
  join(top, "bench", "results.json"), "utf8"));

const { date, cores, cpu, system, kernel } = machine;
console.log(`Measured ${date.slice(0, 10)} on ${cores} cores (${cpu}), shared `
  + `with the load generator; ${system}, Linux ${kernel}.  Medians; "× nchan" `
  + "is the module's divided by nchan's in the same run.\n");

/** @param {number} x @param {string} key */
const write = (x, key) => key === "p50" ? `${(x / 1000).toPrecision(3)} ms`
  : brief(x);

/** What else matters: heading, and what stands there.
 * @type {Record<string, [string, (of: Record<string, any>) => string][]>} */
const extra = {
  fanout: [["CPU × floor", (of) => ratio(of, "cpu_us", "floor")]],
  latency: [],
  echo: [["CPU × floor", (of) => ratio(of, "cpu_us", "floor")]],
  handshakes: [["CPU × nchan", (of) => ratio(of, "cpu_us", "nchan")]],
  tokens: [["p50", (of) => ms(of.module.p50)],
    ["p99 × ws + Redis", (of) => ratio(of, "p99", "ws + Redis")],
    ["p99 × pipeline", (of) => ratio(of, "p99", "pipeline")]],
  unsynced: [["p50", (of) => ms(of.module.p50)]],
  memory: [["over TLS", (of) => of["module, TLS"]
    ? brief(of["module, TLS"].bytes.median) : ""],
  ["heartbeats of 100,000", (of) => of.module.heartbeat_core
    ? `${of.module.heartbeat_core.toFixed(2)} of a core` : ""]],
  slow: ["module", "nchan", "ws"]
    .flatMap((name) => /** @type {[string, any][]} */ ([
      [`p99 ${name}`, (/** @type {any} */ of) => ms(of[name].p99)],
      [`memory ${name}`, (/** @type {any} */ of) =>
        `${(of[name].memory_kb.median / 1024).toFixed(1)} MB`],
    ])).concat([["kernel per stuck", (of) =>
      `${of.module.kernel_kb.median.toFixed(0)} KB`], ["silent gaps", (of) =>
      String(of.module.silent.max)]]),
};

/** @param {{ median: number }} spread */
const ms = ({ median }) => `${(median / 1000).toPrecision(3)} ms`;

/** @param {Record<string, any>} of @param {string} key @param {string} other */
const ratio = (of, key, other) => of[other]?.[key]?.median
  ? (of.module[key].median / of[other][key].median).toFixed(2) : "";

for (const { id, title, unit, key, rows, names, less, curves } of results) {
  if (curves) {
    console.log(`${title}:\n`);
    for (const { title: what, x, unit: y, points } of curves) {
      console.log(`- ${what}: ${points.map(([a, b]) => `${
        b < 10 ? b.toPrecision(2) : brief(b)} ${y} at ${brief(a)}`)
        .join(", ")} ${x}`);
    }
    console.log();
    continue;
  }
  const others = names.filter((name) => !name.startsWith("module"));
  const own = names.filter((name) => name.startsWith("module,"));
  const more = extra[id] ?? [];
  const what = key === "p50" ? "p50" : unit;
  const heads = [title, `module, ${what}${less ? " (less is better)" : ""}`,
    ...others.map((name) => `× ${name}`), ...more.map(([head]) => head),
    ...own.map((name) => `${name.slice(8)} × module`)];
  console.log(`| ${heads.join(" | ")} |`);
  console.log(`|---|${heads.slice(1).map(() => "---:|").join("")}`);
  for (const { label, of } of rows) {
    if (!of.module) continue;
    console.log(`| ${[label, write(of.module[key].median, key),
      ...others.map((name) => ratio(of, key, name)),
      ...more.map(([, text]) => text(of)),
      ...own.map((name) => of[name]
        ? (of[name][key].median / of.module[key].median).toFixed(2) : ""),
    ].join(" | ")} |`);
  }
  console.log();
}
