// @ts-check

/**
 * The processes of the bench: each is started on a free port, in a directory
 * of its own, and ended by its pid when its part is done, or the bench is.
 */

import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join, resolve } from "node:path";

/**
 * @typedef {object} Server
 * @property {string} name
 * @property {number} port
 * @property {() => number[]} pids  its processes, for CPU and memory
 * @property {() => Promise<void>} stop
 */

export const top = resolve(import.meta.dirname, "..");
export const build = process.env.BUILD ?? join(top, "build");
export const out = join(build, "bench");

/** @type {Set<() => Promise<void>>} */
const running = new Set();
let number = 0;

/** @type {Promise<void> | undefined} */
let ending;

/** Nothing is started once all is to end. */
function goOn() {
  if (ending) throw new Error("interrupted");
}

/** A port that was free a moment ago.
 * @returns {Promise<number>} */
export function freePort() {
  return new Promise((done, fail) => {
    const server = createServer().on("error", fail);
    server.listen(0, "127.0.0.1", () => {
      const address = /** @type {import("node:net").AddressInfo} */ (
        server.address());
      server.close(() => done(address.port));
    });
  });
}

/** A new empty directory; removed when the bench ends.
 * @param {string} name
 * @returns {string} */
export function directory(name) {
  goOn();
  const path = join(out, `run-${process.pid}-${++number}-${name}`);
  mkdirSync(path, { recursive: true });
  running.add(async () => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Whether something listens.
 * @param {number} port
 * @returns {Promise<boolean>} */
function listens(port) {
  return new Promise((done) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => { socket.destroy(); done(true); });
    socket.on("error", () => done(false));
  });
}

/** A process and all that it started.
 * @param {number} pid
 * @returns {number[]} */
export function family(pid) {
  const all = [pid];
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, "latin1");
      const parent = Number(stat.slice(stat.lastIndexOf(")") + 2)
        .split(" ")[1]);
      if (parent === pid) all.push(...family(Number(entry)));
    } catch {
      // it ended while we looked
    }
  }
  return all;
}

/**
 * Starts a server and waits until it listens.
 *
 * @param {string} name
 * @param {string[]} command
 * @param {object} options
 * @param {number} options.port
 * @param {NodeJS.Signals} [options.signal]  that ends it
 * @param {(pid: number) => number[]} [options.pids]
 * @param {number} [options.processes]  so many at least; a master may listen
 *   before it has forked
 * @param {string} [options.cwd]
 * @param {number} [options.uid]
 * @param {number} [options.gid]
 * @returns {Promise<Server>}
 */
export async function start(name, command, options) {
  goOn();
  const { port, signal = "SIGTERM", pids = (pid) => [pid], processes = 1 }
    = options;
  // a group of its own: a Ctrl-C is ours, and ends them in order
  const child = spawn(command[0], command.slice(1), {
    stdio: ["ignore", "ignore", "pipe"], detached: true, cwd: options.cwd,
    uid: options.uid, gid: options.gid,
  });
  let said = "";
  child.stderr.on("data", (data) => { said = (said + data).slice(-2000); });

  let over = false;
  const ended = new Promise((done) => {
    const end = () => { over = true; done(undefined); };
    child.on("exit", end);
    child.on("error", (error) => { said += error.message; end(); });
  });

  const stop = async () => {
    running.delete(stop);
    if (!over) child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), 10000);
    await ended;
    clearTimeout(timer);
  };
  running.add(stop);

  const until = Date.now() + 20000;
  while (!await listens(port) || pids(Number(child.pid)).length < processes) {
    if (over) throw new Error(`${name} did not start: ${said}`);
    if (Date.now() > until) throw new Error(`${name} does not listen`);
    await new Promise((done) => setTimeout(done, 20));
  }

  return { name, port, stop, pids: () => pids(Number(child.pid)) };
}

/** Runs a command to its end; its output, or an error.
 * @param {string[]} command
 * @param {{ cwd?: string, uid?: number, gid?: number, codes?: number[] }}
 *   [options]
 * @returns {Promise<string>} */
export function run(command, options = {}) {
  return new Promise((done, fail) => {
    goOn();
    const child = spawn(command[0], command.slice(1), {
      stdio: ["ignore", "pipe", "pipe"], cwd: options.cwd, detached: true,
      uid: options.uid, gid: options.gid,
    });
    const ended = new Promise((ok) => child.on("close", ok));
    const stop = async () => {
      try {
        // its forks are of its group
        if (child.pid) process.kill(-child.pid, "SIGKILL");
      } catch {
        // it has ended
      }
      await ended;
    };
    running.add(stop);
    let text = "", said = "";
    child.stdout.on("data", (data) => { text += data; });
    child.stderr.on("data", (data) => { said = (said + data).slice(-2000); });
    child.on("error", (error) => { running.delete(stop); fail(error); });
    child.on("close", (code) => {
      running.delete(stop);
      const good = (options.codes ?? [0]).includes(Number(code ?? -1));
      if (good && (text || !said)) done(text);
      else fail(new Error(`${command.join(" ")}: ${said || code}`));
    });
  });
}

/** Ends everything, the last first; however often it is asked to.
 * @returns {Promise<void>} */
export function stopAll() {
  ending ??= (async () => {
    for (let all = [...running]; all.length; all = [...running]) {
      const stop = all[all.length - 1];
      running.delete(stop);
      await stop();
    }
  })();
  return ending;
}

for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
  process.on(signal, () => {
    console.error(`\nbench: ${signal}, ending what was started`);
    stopAll().finally(() => process.exit(130));
  });
}
