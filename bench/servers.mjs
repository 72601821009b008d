// @ts-check

/** What is measured: how each server is started, and how it is spoken to. */

import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { build, directory, family, freePort, out, start, top }
  from "./process.mjs";

/** @typedef {import("./process.mjs").Server} Server */

/**
 * @typedef {object} Options
 * @property {number} [workers]
 * @property {"on" | "off"} [sync]
 * @property {string} [stall]
 */

/** nginx's worker processes.
 * @param {number} pid of the master
 * @returns {number[]} */
const workersOf = (pid) => family(pid).filter((p) => p !== pid);

/** What is in a template between two @.
 * @param {string} file
 * @param {Record<string, string | number>} values
 * @returns {string} */
function fill(file, values) {
  return readFileSync(join(top, "bench", file), "utf8")
    .replace(/@([A-Z_]+)@/g, (_, name) => String(values[name]));
}

/** The user directive of nginx: the workers are whoever started the bench. */
export const user = process.getuid?.() === 0 ? "user root;" : "";

/** The module in Debian's nginx.
 * @param {Options} [options]
 * @returns {Promise<Server & { dir: string }>} */
export async function ours(options = {}) {
  const { workers = 1, sync = "on", stall = "30s" } = options;
  const dir = directory("ours");
  const port = await freePort();
  mkdirSync(join(dir, "store"));
  chmodSync(join(dir, "store"), 0o700);
  writeFileSync(join(dir, "nginx.conf"), fill("nginx.conf", {
    LOAD_MODULE: `load_module ${build}/ngx_http_token_module.so;`,
    USER: user, WORKERS: workers, PREFIX: dir, SYNC: sync, PORT: port,
    STALL: stall, FILES: 20000, CONNECTIONS: 19000,
  }));
  const server = await start("ours",
    ["nginx", "-p", `${dir}/`, "-e", "stderr", "-c", `${dir}/nginx.conf`],
    { port, pids: workersOf });
  return { ...server, dir };
}

/** The floor.
 * @returns {Promise<Server>} */
export async function floor() {
  const port = await freePort();
  return start("floor", [join(out, "floor"), String(port)], { port });
}

/** The reference pipeline.
 * @param {Options} [options]
 * @returns {Promise<Server>} */
export async function pipeline(options = {}) {
  const port = await freePort();
  const dir = directory("pipeline");
  return start("pipeline", [join(out, "pipeline"), String(port), dir,
    options.sync === "off" ? "nosync" : "sync"], { port });
}
