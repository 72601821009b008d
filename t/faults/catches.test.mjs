// @ts-check
/**
 * The checker notices a module that breaks one guarantee: each is built with
 * a switch (NGX_TOKEN_BREAK) and run for some seconds.
 *
 * Environment: BUILD, JOBS (see Makefile).
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, it } from "node:test";

const ROOT = resolve(import.meta.dirname, "../..");
const BUILD = process.env.BUILD ?? join(ROOT, "build");

const BREAKS = [
  { n: 1, title: "an answer before the commit", code: "lost" },
  { n: 2, title: "a ledger that is not looked at", code: "doubled" },
  { n: 3, title: "changes that are skipped now and then", code: "gap" },
  { n: 4, title: "no doorbell, and no poll", code: "behind" },
];

describe("the checker notices", { timeout: 600_000 }, () => {
  for (const { n, title, code } of BREAKS) {
    it(title, () => {
      const { status, stdout } = run(build(n), `break ${n}`);

      assert.equal(status, 1, stdout);
      assert.match(stdout, new RegExp(`^not ok - ${code}: `, "m"));
    });
  }
});

/** @param {number} n @returns {string} the module */
function build(n) {
  const dir = join(BUILD, `break-${n}`);
  const module = join(dir, "ngx_http_token_module.so");
  const env = {
    JOBS: "2",
    ...process.env,
    BUILD: dir,
    MODULE: module,
    WARNINGS: `-O0 -DNGX_TOKEN_BREAK=${n}`,
  };

  mkdirSync(dir, { recursive: true });

  const { status, stdout, stderr } = spawnSync("tools/build-module.sh", {
    cwd: ROOT,
    env,
    encoding: "utf8",
  });
  assert.equal(status, 0, stdout + stderr);

  return module;
}

/**
 * @param {string} module
 * @param {string} seed
 */
function run(module, seed) {
  return spawnSync(
    process.execPath,
    [
      join(import.meta.dirname, "run.mjs"),
      "--seconds=5",
      "--faults=kill,cut,stop",
      `--seed=${seed}`,
      `--module=${module}`,
    ],
    { env: { ...process.env, TOKEN_NGINX: "nginx" }, encoding: "utf8" },
  );
}
