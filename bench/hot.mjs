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
import { out, stopAll, top } from "./process.mjs";
import { gather, progress } from "./rounds.mjs";
import { step } from "./step.mjs";

const paths = {
  parse: "frame parse (128 bytes, masked)",
  header: "frame header",
  decode: "message decode (a chat's token)",
  record: "record encode",
  outcome: "outcome encode",
  step: "fan-out step, per subscriber",
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
 * @returns {Promise<Record<string, number>>} */
async function count() {
  /** @type {Record<string, number>} */
  const counts = {};
  for (const path of Object.keys(paths)) {
    counts[path] = Math.round(path === "step" ? await step()
      : (collected(path, 1200) - collected(path, 200)) / 1000);
  }
  return counts;
}

/** What the counts depend on. */
const compiler = () => `${execFileSync("gcc", ["-dumpfullversion"],
  { encoding: "utf8" }).trim()} ${process.arch}`;

/** @returns {{ compiler: string, instructions: Record<string, number> }} */
const stored = () => JSON.parse(readFileSync(file, "utf8"));

/** As a part of the bench.
 * @returns {Promise<import("./rounds.mjs").Result>} */
export async function hot() {
  const counts = await count();
  const rows = Object.entries(paths).map(([path, label]) => {
    progress(`hot: ${label}: ${counts[path]} instructions`);
    return { label, of: { module: gather([{ instructions: counts[path] }]) } };
  });
  return {
    id: "hot", title: "Instructions of the hot paths", unit: "instructions",
    key: "instructions", base: "", date: new Date().toISOString(), rows,
    names: ["module"],
    note: `Counted by callgrind, gcc ${compiler()} -O2: no noise. The fan-out `
      + "step is what a subscriber whose socket is free costs when a change is "
      + "handed to it, in nginx: from the list of watchers to the return of "
      + "its send(), without the kernel. make check compares all of them with "
      + "bench/hot.json.",
  };
}

/** @returns {Promise<number>} the exit code */
async function check() {
  if (!existsSync(file)) throw new Error("bench/hot.json is missing");
  const { compiler: by, instructions } = stored();
  if (by !== compiler()) {
    console.log(`hot: counted with gcc ${by}, this is ${compiler()}: skipped`);
    return 0;
  }
  if (spawnSync("valgrind", ["--version"]).error) {
    console.log("hot: there is no valgrind: skipped");
    return 0;
  }
  let bad = 0;
  for (const [path, now] of Object.entries(await count())) {
    const was = instructions[path] ?? 0;
    if (now > was * tolerance) {
      console.log(`hot: ${path}: ${now} instructions, ${was} before`);
      bad = 1;
    } else if (now * tolerance < was) {
      console.log(`hot: ${path}: only ${now} instructions, ${was} before; `
        + "node bench/hot.mjs store keeps it so");
    }
  }
  return bad;
}

if (process.argv[1] === import.meta.filename) {
  try {
    if (process.argv[2] === "store") {
      writeFileSync(file, `${JSON.stringify({ compiler: compiler(),
        instructions: await count() }, null, 1)}\n`);
    } else if (process.argv[2] === "check") {
      process.exitCode = await check();
    } else {
      console.log(await count());
    }
  } finally {
    await stopAll();
  }
}
