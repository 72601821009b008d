// @ts-check

/** Connections that are held: handshakes, memory, and readers that are stuck. */

import { readFileSync } from "node:fs";
import { load, talk } from "./measure.mjs";
import { begin, gather, progress, rounds, brief } from "./rounds.mjs";
import { ours } from "./servers.mjs";

/** @typedef {import("./plan.mjs").Contender} Contender */
/** @typedef {import("./rounds.mjs").Result} Result */

const many = { workers: 4, reuseport: true };

/** @type {Contender[]} */
const few = [
  { name: "module", start: "ours" }, { name: "floor", start: "floor" },
  { name: "nchan", start: "nchan" }, { name: "ws", start: "ws" },
];

/** @type {{ label: string, n: number, contenders: Contender[] }[]} */
const sizes = [
  { label: "10,000 sessions", n: 10000, contenders: [...few,
    { name: "module, deflate", start: "ours",
      load: { path: "/deflate", deflate: 1 } },
    { name: "module, TLS", start: "ours", options: { tls: true },
      load: { tls: 1 } }] },
  // a process has at most 20,000 descriptors here
  { label: "50,000 sessions, 4 workers", n: 50000, contenders: [
    { name: "module", start: "ours",
      options: { ...many, heartbeat: "5s" } },
    { name: "nchan", start: "nchan", options: many }] },
];

/** What nginx sets aside for a connection when it starts, in bytes: it is not
 * in what sessions add, and counts all the same.
 * @returns {Promise<number>} */
async function slot() {
  const base = [];
  for (const connections of [2000, 19000]) {
    const server = await ours({ connections });
    const { base_kb } = await load(server, "idle", { n: 1, secs: 0.1 });
    base.push(base_kb);
    await server.stop();
  }
  return (base[1] - base[0]) * 1024 / 17000;
}

/** What a server's processes have used, in clock ticks.
 * @param {import("./process.mjs").Server} server */
const ticks = (server) => server.pids().reduce((sum, pid) => {
  // behind the name: state is the first, utime the 12th, stime the 13th
  const of = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return sum + Number(of[11]) + Number(of[12]);
}, 0);

/** Until a server has done with what was closed: 10,000 connections at once,
 * and else the next one that is measured would pay for them.
 * @param {import("./process.mjs").Server} server */
async function rest(server) {
  for (let i = 0, before = -1; i < 50; i++) {
    const now = ticks(server);
    if (now === before) return;
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Handshakes, and memory where it is wanted.
 * @param {boolean} memory
 * @returns {Promise<Result[]>} */
export async function idle(memory) {
  const date = new Date().toISOString();
  const running = [];
  for (const contender of few) {
    running.push({ ...contender, server: await begin(contender) });
  }
  /** @type {Record<string, Record<string, number>[]>} */
  const lists = {};
  // the first connections of a process are dearer, and not counted
  for (let round = -1; round < rounds + 2; round++) {
    for (const { name, start, server } of running) {
      const got = await load(server, "idle",
        { n: 10000, secs: 0.1, poll: 1, ...talk(start, "idle") });
      if (round >= 0) (lists[name] ??= []).push(got);
      await rest(server);
    }
  }
  for (const { server } of running) await server.stop();

  const of = Object.fromEntries(Object.entries(lists).map(([name, list]) =>
    [name, gather(list.map(({ rate, cpu_us, errors }) =>
      ({ rate, cpu_us, errors })))]));
  progress(`handshakes: ${Object.entries(of).map(([name, v]) =>
    `${name} ${brief(v.rate.median)}`).join(", ")}`);

  /** @type {Result[]} */
  const results = [{
    id: "handshakes", title: "Handshakes", unit: "handshakes/s", key: "rate",
    base: "floor", date, names: few.map((c) => c.name),
    rows: [{ label: "10,000 connections, 128 at a time", of }],
    note: "TCP connection, request and 101; the module also says hello. Each "
      + "server has had 10,000 connections before. The generator polls: no "
      + "server pays for waking it.",
  }];
  if (memory) results.push(await bytes(date));
  return results;
}

/** @param {string} date @returns {Promise<Result>} */
async function bytes(date) {
  const extra = await slot();
  const rows = [];
  let core = 0;
  for (const { label, n, contenders } of sizes) {
    /** @type {Record<string, any>} */
    const of = {};
    for (const contender of contenders) {
      const server = await begin(contender);
      const nginx = contender.start === "ours" || contender.start === "nchan";
      const got = await load(server, "idle", { n, forks: n > 10000 ? 4 : 1,
        secs: n > 10000 ? 10 : 0.1, ...talk(contender.start, "idle"),
        ...contender.load });
      const { watch_bytes, errors, quiet_cpu } = got;
      of[contender.name] = gather([{
        bytes: watch_bytes + (nginx ? extra : 0), errors }]);
      // 100,000 sessions with a ping every 25 s, from n with one every 5 s
      if (n > 10000 && contender.start === "ours") {
        core = quiet_cpu * (5 / 25) * (100000 / n);
        of[contender.name].heartbeat_core = core;
      }
      await server.stop();
    }
    rows.push({ label, of });
    progress(`memory: ${label}: ${Object.entries(of).map(([name, v]) =>
      `${name} ${brief(v.bytes.median)} B`).join(", ")}`);
  }
  return {
    id: "memory", title: "Memory of a session", unit: "bytes", key: "bytes",
    base: "floor", less: true, date, rows,
    names: [...few.map((c) => c.name), "module, deflate", "module, TLS"],
    note: "What a session that watches one channel and is idle adds to the "
      + "server's own and shared memory (PSS without pages of files); for "
      + `nginx with the ${Math.round(extra)} bytes of its connection slot. `
      + "The kernel's part, about 5 KB per end, comes on top for all. TLS is "
      + "version 1.3 with Debian's settings: ssl_buffer_size 16k, tickets, no "
      + "session cache, and SSL_MODE_RELEASE_BUFFERS, which nginx always sets; "
      + "what OpenSSL keeps for a connection counts. "
      + `Heartbeats: 100,000 sessions would take ${core.toFixed(3)} of a core, `
      + "extrapolated from 50,000 that were pinged and answered every 5 s.",
  };
}

/** Healthy readers beside stuck ones.
 * @returns {Promise<Result>} */
export async function slow() {
  /** @type {Contender[]} */
  const contenders = [
    { name: "module", start: "ours", options: { sync: "off" } },
    { name: "nchan", start: "nchan" }, { name: "ws", start: "ws" },
  ];
  const rows = [];
  /** @type {Record<string, Record<string, number>[]>[]} */
  const lists = [{}, {}];
  for (let round = 0; round < Math.min(2, rounds); round++) {
    for (const contender of contenders) {
      for (const [i, stuck] of [0, 20].entries()) {
        // a fresh one each time: nothing of the stuck readers is left
        const server = await begin(contender);
        (lists[i][contender.name] ??= []).push(await load(server, "slow", {
          n: 20, stuck, rate: 2000, size: 1024, secs: 3,
          ...talk(contender.start, "slow"),
        }));
        await server.stop();
      }
    }
  }
  for (const [i, label] of ["20 healthy readers", "the same beside 20 stuck"]
    .entries()) {
    const of = Object.fromEntries(Object.entries(lists[i]).map(
      ([name, list]) => [name, gather(list)]));
    rows.push({ label, of });
    progress(`slow: ${label}: ${Object.entries(of).map(([name, v]) =>
      `${name} ${brief(v.rate.median)}/s p99 ${brief(v.p99.median)} us`)
      .join(", ")}`);
  }
  return {
    id: "slow", title: "Slow readers", unit: "deliveries/s", key: "rate",
    base: "ws", date: new Date().toISOString(), rows,
    names: contenders.map((c) => c.name),
    note: "2,000 messages of 1 KiB a second for 3 seconds. The stuck readers "
      + "read nothing meanwhile, and then all that there is for them: a gap "
      + "of which they were not told is silent. Memory is what the server's "
      + "processes grew by, and what the kernel holds for a stuck one.",
  };
}
