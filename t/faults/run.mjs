#!/usr/bin/env node
// @ts-check
/**
 * Runs the module under faults, and proves from what the clients were told
 * that it has kept its word:
 *
 *     node t/faults/run.mjs [--seconds=60] [--seed=TEXT] [--workers=3]
 *         [--clients=24] [--faults=kill,cut,... | none] [--module=FILE]
 *
 * The same seed gives the same choices of the clients and of the nemesis.  A
 * run that is longer than a minute is a series of rounds, each with a store
 * and a seed of its own.  KEEP=1 keeps the files, with the history.
 */

import { join } from "node:path";
import { parseArgs } from "node:util";

import { check } from "./checker.mjs";
import { FAULTS } from "./nemesis.mjs";
import { Round } from "./round.mjs";

/** seconds of a round at most; so its history fits into memory */
const ROUND = 60;
/** complaints of a kind that are shown */
const SHOWN = 5;

const { values: options } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    seed: { type: "string", default: Date.now().toString(36) },
    workers: { type: "string", default: "3" },
    clients: { type: "string", default: "24" },
    faults: { type: "string" },
    module: { type: "string" },
  },
});

const seconds = Number(options.seconds);
const rounds = Math.max(1, Math.ceil(seconds / ROUND));
const names = options.faults?.split(",").filter((name) => name !== "none");

for (const name of names ?? []) {
  if (!(name in FAULTS)) {
    console.error(`run.mjs: there is no fault "${name}"`);
    process.exit(2);
  }
}

let failed = 0;

for (let i = 0; i < rounds; i++) {
  const seed = i === 0 ? options.seed : `${options.seed}.${i}`;

  console.log(`seed ${seed}`);
  if (!(await run(seed))) failed++;
}

console.log(`${rounds - failed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);

/** @param {string} seed @returns {Promise<boolean>} */
async function run(seed) {
  const round = new Round({
    seed,
    seconds: seconds / rounds,
    workers: Number(options.workers),
    clients: Number(options.clients),
    faults: /** @type {any} */ (names),
    module: options.module,
  });

  try {
    await round.run();

    const complaints = check(round.history.events);

    console.log(round.summary());
    show(complaints);

    return complaints.length === 0;
  } finally {
    if (process.env.KEEP) {
      await round.history.save(join(round.nginx.prefix, "history.jsonl"));
      console.log(`kept: ${round.nginx.prefix}`);
    }

    round.end();
  }
}

/** @param {import("./checker.mjs").Complaint[]} complaints */
function show(complaints) {
  /** @type {Map<string, string[]>} */
  const kinds = new Map();

  for (const { code, text } of complaints) {
    kinds.set(code, [...(kinds.get(code) ?? []), text]);
  }

  for (const [code, texts] of kinds) {
    console.log(`not ok - ${code}: ${texts.length}`);
    for (const text of texts.slice(0, SHOWN)) console.log(`    ${text}`);
  }
}
