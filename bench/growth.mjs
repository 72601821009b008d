// @ts-check

/** What it costs as the store grows: curves of the module alone. */

import { join } from "node:path";
import { load } from "./measure.mjs";
import { out, run } from "./process.mjs";
import { brief, progress } from "./rounds.mjs";
import { ours } from "./servers.mjs";

/** @typedef {{ title: string, x: string, unit: string,
 *   points: [number, number][] }} Curve */

/** A curve, point by point.
 * @param {string} title @param {string} x @param {string} unit
 * @returns {Curve} */
const curve = (title, x, unit) => ({ title, x, unit, points: [] });

/** @returns {Promise<import("./rounds.mjs").Result>} */
export async function growth() {
  const options = /** @type {const} */ ({ sync: "off", heartbeat: "60s" });
  const last = curve("Joining a log, the last 50", "records in the log", "ms");
  const replay = curve("Replaying a whole log", "records", "ms");
  const atoms = curve("Joining a family", "atoms in the family", "ms");
  const members = curve("Watching members one by one",
    "watches of one session", "ms");
  const big = curve("Joining a log, the last 50, beside ballast",
    "GiB in the store", "ms");
  const tokens = curve("A token, 10 clients, beside ballast",
    "GiB in the store", "ms");

  /** @param {Curve} c @param {number} x @param {number} us @param {number} want
   * @param {Record<string, number>} got */
  const add = (c, x, us, want = 0, got = {}) => {
    if (got.errors || (want && got.values !== want)) {
      throw new Error(`${c.title}: ${got.values} of ${want} came, ${
        got.errors} out of order`);
    }
    c.points.push([x, us / 1000]);
    progress(`growth: ${c.title}: ${brief(x)} ${c.x}: ${
      brief(us / 1000)} ms`);
  };

  let server = await ours(options);
  let have = 0;
  for (const n of [1000, 10000, 100000, 1000000]) {
    await load(server, "fill", { n, last: have, value: "grow", size: 32 });
    have = n;
    const got = await load(server, "join", { n: 20, last: 50, value: "grow" });
    add(last, n, got.p50, 50, got);
    if (n > 100000) continue;
    const all = await load(server, "join", { n: 3, value: "grow" });
    add(replay, n, all.p50, n, all);
  }

  have = 0;
  for (const n of [1000, 10000, 100000]) {
    await load(server, "fill", { n, last: have, value: "many", size: 10 });
    have = n;
    const got = await load(server, "join", { n: 3, value: "many/*" });
    add(atoms, n, got.p50, n, got);
    if (n > 10000) continue;
    const { p50 } = await load(server, "watches", { n, value: "many" });
    add(members, n, p50);
  }

  for (const gib of [0, 10]) {
    if (gib) {
      await server.stop();
      await run([join(out, "ballast"), join(server.dir, "store"),
        String(gib)]);
      server = await ours({ ...options, dir: server.dir });
    }
    const got = await load(server, "join", { n: 20, last: 50, value: "grow" });
    add(big, gib, got.p50, 50, got);
    const spent = await load(server, "tokens", { n: 10, secs: 1 });
    add(tokens, gib, spent.p50);
  }
  await server.stop();

  return {
    id: "growth", title: "As it grows", unit: "ms", key: "p50", base: "",
    date: new Date().toISOString(), rows: [], names: ["module"],
    curves: [last, replay, atoms, members, big, tokens],
    note: "The module alone, sync=off, one worker. The ballast is sparse: 10 "
      + "values of 1 GiB whose pages nobody wrote.",
  };
}
