// @ts-check
/**
 * Ctrl-C ends all that the bench has started, and leaves nothing behind.
 *
 * Environment: BUILD (see Makefile).
 */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { on, once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync,
  symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { describe, it } from "node:test";
import { family } from "../../bench/process.mjs";

const ROOT = resolve(import.meta.dirname, "../..");
const BUILD = process.env.BUILD ?? join(ROOT, "build");
const RESULTS = join(ROOT, "bench/results.json");

const peers = existsSync("/usr/lib/nginx/modules/ngx_nchan_module.so")
  && existsSync(join(ROOT, "bench/node_modules/ws"));

describe("Ctrl-C in the middle of the bench", { timeout: 60_000 }, () => {
  it("ends the module's nginx, and the load generator", () => interrupt("growth", 1));

  it("ends every server of a round, also where it is pressed twice",
    { skip: !peers && "nchan and ws are not installed: see make bench" },
    () => interrupt("echo", 2));
});

/** Runs a part until it says something, and interrupts it.
 * @param {string} part
 * @param {number} times */
async function interrupt(part, times) {
  const build = mkdtempSync(join(tmpdir(), "token-bench-"));
  const out = join(build, "bench");
  const results = readFileSync(RESULTS, "utf8");
  /** @type {number[]} */
  let pids = [];

  try {
    borrow(build, "ngx_http_token_module.so");
    mkdirSync(out);
    const programs = ["load", "floor"];
    programs.forEach((name) => borrow(out, name, join("bench", name)));

    // a group of its own, as a shell gives it: a terminal tells all of it
    const bench = spawn(process.execPath, [join(ROOT, "bench/bench.mjs"), part], {
      env: { ...process.env, BUILD: build, ROUNDS: "1", SECS: "0.5" },
      stdio: ["ignore", "ignore", "pipe"],
      detached: true,
    });
    const exit = once(bench, "exit");
    const lines = createInterface({ input: bench.stderr });

    await said(lines, new RegExp(`^\\d\\d:\\d\\d:\\d\\d ${part}: `));

    pids = family(Number(bench.pid));
    const ports = pids.flatMap(listening);
    assert.ok(pids.length > 2, "servers run");
    assert.ok(ports.length > 0, "and listen");
    assert.notDeepEqual(readdirSync(out), programs.sort(), "in directories of their own");

    for (let i = 0; i < times; i++) {
      process.kill(-Number(bench.pid), "SIGINT");
      await said(lines, /SIGINT, ending/);
    }
    assert.deepEqual(await exit, [130, null]);

    assert.deepEqual([...pids, ...started(build)].filter(alive), [], "no process is left");
    assert.deepEqual(ports.filter((port) => inodes().has(port)), [], "no port");
    assert.deepEqual(readdirSync(out), programs.sort(), "no directory");
    assert.equal(readFileSync(RESULTS, "utf8"), results, "and results are as they were");
  } finally {
    // of a bench that does not end them
    pids.filter(alive).forEach((pid) => process.kill(pid, "SIGKILL"));
    rmSync(build, { recursive: true });
  }
}

/** Waits for a line.
 * @param {import("node:readline").Interface} lines @param {RegExp} pattern */
async function said(lines, pattern) {
  for await (const [line] of on(lines, "line", { close: ["close"] })) {
    if (pattern.test(line)) return;
  }
  assert.fail(`it did not say ${pattern}`);
}

/** @param {string} dir @param {string} name @param {string} [path] */
function borrow(dir, name, path = name) {
  symlinkSync(join(BUILD, path), join(dir, name));
}

/** Sockets that listen: inode by port.
 * @returns {Map<number, string>} */
function inodes() {
  const rows = readFileSync("/proc/net/tcp", "utf8").trim().split("\n").slice(1)
    .map((row) => row.trim().split(/\s+/));
  return new Map(rows.filter(([, , , state]) => state === "0A")
    .map(([, local, , , , , , , , inode]) => [parseInt(local.split(":")[1], 16), inode]));
}

/** The ports that a process listens on.
 * @param {number} pid
 * @returns {number[]} */
function listening(pid) {
  const links = attempt(() => readdirSync(`/proc/${pid}/fd`), [])
    .map((fd) => attempt(() => readlinkSync(`/proc/${pid}/fd/${fd}`), ""));
  return [...inodes()].filter(([, inode]) => links.includes(`socket:[${inode}]`))
    .map(([port]) => port);
}

/** Processes that name a directory in their command or environment.
 * @param {string} dir
 * @returns {number[]} */
function started(dir) {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) =>
    ["cmdline", "environ"].some((file) =>
      attempt(() => readFileSync(`/proc/${pid}/${file}`, "latin1"), "").includes(dir)));
}

/** @param {number} pid @returns {boolean} */
function alive(pid) {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, "latin1"), "");
  return stat !== "" && !/\) [ZX] /.test(stat);
}

/** Of a process that may end while it is looked at.
 * @template T @param {() => T} read @param {T} otherwise
 * @returns {T} */
function attempt(read, otherwise) {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
