// @ts-check

/** One measurement: the load generator against a server. */

import { join } from "node:path";
import { out, run } from "./process.mjs";

/** @typedef {import("./process.mjs").Server} Server */

/**
 * Runs the load generator.  What was lost, doubled or out of order makes
 * `errors` not 0, and the caller decides what that means.
 *
 * @param {Server} server
 * @param {string} mode
 * @param {Record<string, string | number>} options
 * @returns {Promise<Record<string, number>>}
 */
export async function load(server, mode, options) {
  const text = await run([join(out, "load"), mode, `--port=${server.port}`,
    `--pids=${server.pids().join(",")}`,
    ...Object.entries(options).map(([name, value]) => `--${name}=${value}`)],
  { codes: [0, 1] });
  if (!text) throw new Error(`${server.name}: no measurement (${mode})`);
  return JSON.parse(text);
}

/** Redis by itself, with its own load generator: no WebSocket.
 * @param {Server} server
 * @param {number} n clients
 * @param {number} count of commands
 * @returns {Promise<Record<string, number>>} */
export async function xadd(server, n, count) {
  const text = await run(["redis-benchmark", "-p", String(server.port), "-c",
    String(n), "-n", String(count), "--csv", "XADD", "spent", "*", "id",
    "0198a2b4-0000-7000-8000-000000000001", "value", "0123456789abcdef"]);
  const line = text.trim().split("\n").at(-1) ?? "";
  // "test","rps","avg","min","p50","p95","p99","max": ms
  const [, rate, , , p50, , p99] = line.split('","').map((s) =>
    Number(s.replace(/"/g, "")));
  if (!rate) throw new Error(`redis-benchmark: ${text}`);
  return { rate, p50: p50 * 1000, p99: p99 * 1000 };
}

/** How a server is spoken to, as options of the load generator.
 * @param {string} name of its function in servers.mjs
 * @param {string} mode
 * @returns {Record<string, string>} */
export function talk(name, mode) {
  if (mode === "tokens") {
    const proto = name === "ours" || name === "pipeline" ? "token" : "raw";
    return { proto, path: "/live" };
  }
  if (mode === "echo") {
    const path = name === "ours" ? "/echo"
      : name === "nchan" ? "/o?id=#" : "/e";
    return { proto: "raw", path };
  }
  return name === "ours" ? { proto: "token" }
    : { proto: "raw", path: "/s", pub: "/p" };
}
