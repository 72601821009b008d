// @ts-check

/**
 * What one subscriber costs in user space when a change is handed to it, in
 * instructions: nginx runs under callgrind, which counts in the two functions
 * that do it (with all that they call, but not the kernel), and writes down
 * what it has at each change.  The same with more watchers; the difference is
 * theirs alone.
 */

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { load } from "./measure.mjs";
import { directory } from "./process.mjs";
import { spread } from "./rounds.mjs";
import { ours } from "./servers.mjs";

/** Puts the frames of a change into the queue of each session. */
const deliver = "ngx_http_token_fanout_deliver";
/** Sends what sessions have in their queues. */
const flush = "ngx_http_token_session_flush_all";

const few = 10, many = 60, changes = 20;

/** What was counted from one change to the next, in order.
 * @param {string} dir
 * @returns {number[]} */
function dumps(dir) {
  return readdirSync(dir)
    .map((name) => Number(/^callgrind\.(\d+)$/.exec(name)?.[1]))
    .filter(Boolean).sort((a, b) => a - b)
    .map((n) => Number(/^totals: (\d+)/m.exec(
      readFileSync(join(dir, `callgrind.${n}`), "utf8"))?.[1] ?? 0));
}

/** Instructions for each subscriber and change.
 * @returns {Promise<number>} */
export async function step() {
  const dir = directory("callgrind");
  const server = await ours({ sync: "off", connections: 512,
    under: ["valgrind", "--tool=callgrind",
      `--callgrind-out-file=${dir}/callgrind`, `--toggle-collect=${deliver}`,
      `--toggle-collect=${flush}`, `--dump-before=${deliver}`] });
  for (const n of [few, many]) {
    const { errors, deliveries } = await load(server, "fanout",
      { n, w: 1, count: changes });
    if (errors || deliveries !== n * changes) {
      throw new Error(`fan-out step: ${deliveries} of ${n * changes} came`);
    }
  }
  await server.stop();

  const counts = dumps(dir);
  if (counts.length !== 2 * changes) {
    throw new Error(`fan-out step: ${deliver} was called ${counts.length
    } times for ${2 * changes} changes`);
  }
  // a dump is at the beginning of a change and holds the one before, and with
  // the first of each kind the joining of its watchers
  const [less, more] = [counts.slice(1, changes), counts.slice(changes + 1)]
    .map((list) => spread(list).median);
  return (more - less) / (many - few);
}
