// @ts-check

/** What the numbers come from. */

import { execFileSync } from "node:child_process";
import { cpus, release, totalmem } from "node:os";

/**
 * @typedef {object} Machine
 * @property {string} date
 * @property {string} cpu
 * @property {number} cores
 * @property {string} kernel
 * @property {number} memory  GiB
 * @property {string} system
 * @property {Record<string, string>} versions
 */

/** @param {string} format @param {string} name @returns {string} */
function dpkg(format, name) {
  try {
    return execFileSync("dpkg-query", ["-W", "-f", format, name],
      { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  } catch {
    return "?";
  }
}

/** @returns {Machine} */
export function machine() {
  /** @type {Record<string, string>} */
  const versions = { node: process.version };
  for (const name of ["nginx", "libnginx-mod-nchan", "redis-server",
    "postgresql", "liblmdb0"]) {
    versions[name] = dpkg("${Version}", name);
  }
  return {
    date: new Date().toISOString().slice(0, 16).replace("T", " "),
    cpu: cpus()[0]?.model.trim() ?? "?",
    cores: cpus().length,
    kernel: release(),
    memory: Math.round(totalmem() / 2 ** 30),
    system: `Debian ${dpkg("${Version}", "base-files")}`,
    versions,
  };
}
