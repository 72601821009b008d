// @ts-check

/**
 * Instructions of the hot paths, counted by callgrind: the same every time.
 *
 *     node bench/hot.mjs [check | store]
 *
 * `check` fails when one takes more than 3 % more than bench/hot.json says,
 * `store` writes that file.
 */

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { out, top } from "./process.mjs";
import { gather, progress } from "./rounds.mjs";

const paths = {
  parse: "frame parse (128 bytes, masked)",
  header: "frame header",
  decode: "message decode (a chat's token)",
  record: "record encode",
  outcome: "outcome encode",
};

const tolerance = 1.03;
const file = join(top, "bench", "hot.json");

/** What callgrind collects in a run of the program.
 * @param {string} path @param {number} count
 * @returns {number} */
function collected(path, count) {
  const { stderr, status } = spawnSync("valgrind", ["--tool=callgrind",
    "--callgrind-out-file=/dev/null", join(out, "hot"), path, String(count)],
  { encoding: "utf8" });
  const match = /Collected : (\d+)/.exec(stderr);
  if (status !== 0 || !match) throw new Error(`hot ${path}: ${stderr}`);
  return Number(match[1]);
}

/** Instructions of each path, once.
 * @returns {Record<string, number>} */
function count() {
  return Object.fromEntries(Object.keys(paths).map((path) =>
    [path, (collected(path, 1200) - collected(path, 200)) / 1000]));
}

const compiler = () => execFileSync("gcc", ["-dumpfullversion"],
  { encoding: "utf8" }).trim();

/** @returns {{ compiler: string, instructions: Record<string, number> }} */
const stored = () => JSON.parse(readFileSync(file, "utf8"));

/** As a part of the bench.
 * @returns {Promise<import("./rounds.mjs").Result>} */
export async function hot() {
  const counts = count();
  const rows = Object.entries(paths).map(([path, label]) => {
    progress(`hot: ${label}: ${counts[path]} instructions`);
    return { label, of: { module: gather([{ instructions: counts[path] }]) } };
  });
  return {
    id: "hot", title: "Instructions of the hot paths", unit: "instructions",
    key: "instructions", base: "", date: new Date().toISOString(), rows,
    names: ["module"],
    note: `Counted by callgrind, gcc ${compiler()} -O2: no noise. make check `
      + "compares them with bench/hot.json.",
  };
}

/** @returns {number} the exit code */
function check() {
  if (!existsSync(file)) throw new Error("bench/hot.json is missing");
  const { compiler: by, instructions } = stored();
  if (by !== compiler()) {
    console.log(`hot: counted with gcc ${by}, this is ${compiler()}: skipped`);
    return 0;
  }
  let bad = 0;
  for (const [path, now] of Object.entries(count())) {
    const was = instructions[path];
    if (now <= was * tolerance) continue;
    console.log(`hot: ${path}: ${now} instructions, ${was} before`);
    bad = 1;
  }
  return bad;
}

if (process.argv[1] === import.meta.filename) {
  if (process.argv[2] === "store") {
    writeFileSync(file, `${JSON.stringify({ compiler: compiler(),
      instructions: count() }, null, 1)}\n`);
  } else if (process.argv[2] === "check") {
    process.exitCode = check();
  } else {
    console.log(count());
  }
}
