// @ts-check

/**
 * What is measured, part by part: the servers that are measured in turns, and
 * the points at which each of them is.
 */

/**
 * @typedef {object} Contender
 * @property {string} name  as it is shown
 * @property {string} start  the function in servers.mjs
 * @property {import("./servers.mjs").Options} [options]
 * @property {Record<string, string | number>} [load]  for the generator
 */

/**
 * @typedef {object} Point
 * @property {string} label
 * @property {Record<string, string | number>} load
 * @property {string[]} [not]  names of contenders that are left out
 */

/**
 * @typedef {object} Part
 * @property {string} id
 * @property {string} only  the name for ONLY=
 * @property {string} title
 * @property {string} mode  of the generator
 * @property {string} unit  of its rate
 * @property {string} base  the contender that ratios are to
 * @property {Contender[]} contenders
 * @property {Point[]} points
 * @property {string} note  what is compared, and how
 */

/** @type {Contender} */
const floor = { name: "floor", start: "floor" };
/** @type {Contender} */
const nchan = { name: "nchan", start: "nchan" };
/** @type {Contender} */
const ws = { name: "ws", start: "ws" };

/** @param {string} name
 * @param {import("./servers.mjs").Options} options
 * @param {Record<string, string | number>} [load]
 * @returns {Contender} */
const module = (name, options, load) =>
  ({ name, start: "ours", options, load });

/** Messages that watchers ask for: as many as the tutorial's chat. */
const last = 100;

/** @param {number} n @param {number} w @param {number} [size]
 * @param {string[]} [not]
 * @returns {Point} */
const fan = (n, w, size = 128, not = []) => ({
  label: `${n} watchers, W=${w}${size === 128 ? "" : ", 1 KiB"}`,
  load: { n, w, size, last, poll: n <= 1000 && w === 1 ? 1 : 0 }, not,
});

const two = "module, 2 workers", synced = "module, synced";

/** @type {Part[]} */
export const parts = [
  {
    id: "fanout", only: "fanout", title: "Fan-out", mode: "fanout",
    unit: "deliveries/s", base: "floor",
    contenders: [
      module("module", { sync: "off" }), floor, nchan, ws,
      module(two, { sync: "off", workers: 2 }),
      module(synced, { sync: "on" }),
    ],
    points: [fan(100, 1, 128, [two]), fan(100, 16, 128, [two, synced]),
      fan(1000, 1, 128, [two]), { label: "1000 watchers, W=1, no history",
        load: { n: 1000, w: 1 }, not: [two, synced, "ws"] },
      fan(1000, 16, 128, [synced]), fan(10000, 1),
      fan(10000, 16, 128, [synced]),
      fan(10000, 16, 1024, [two, synced, "ws"])],
    note: "One publisher, W messages outstanding: the next is published when "
      + "one has come to all watchers. The module's watchers have asked for the "
      + "last 100, as a chat's page does, but for the row that says so. In the "
      + "other rows with W=1 and up to 1000 watchers the generator polls: one "
      + "that sleeps between two messages of a slower server is woken inside of "
      + "its send(). A "
      + "message is 128 bytes of payload; the "
      + "module stores each in a log before it is sent, with sync=off here as "
      + "the others keep nothing on disk, and its record's envelope (about "
      + "130 bytes) comes on top. The floor makes one send() per message and "
      + "connection.",
  },
  {
    id: "latency", only: "fanout", title: "Publish to the last watcher",
    mode: "fanout", unit: "deliveries/s", base: "floor",
    contenders: [
      module("module", { sync: "off" }), floor, nchan, ws,
      module(two, { sync: "off", workers: 2 }),
      module(synced, { sync: "on" }),
    ],
    points: [{ label: "1000 watchers, 50 messages/s",
      load: { n: 1000, rate: 50, last } }],
    note: "50 messages a second to 1000 watchers: the time from the publish "
      + "until the last of them has it.",
  },
  {
    id: "echo", only: "echo", title: "Echo", mode: "echo",
    unit: "round trips/s", base: "floor",
    contenders: [module("module", {}), floor, nchan, ws],
    points: [100, 1000].map((n) => ({ label: `${n} connections`,
      load: { n } })),
    note: "Each connection has one message of 128 bytes under way. nchan has "
      + "no echo: each connection publishes to a channel of its own.",
  },
  {
    id: "tokens", only: "tokens", title: "Durable tokens", mode: "tokens",
    unit: "tokens/s", base: "pipeline",
    contenders: [
      module("module", {}), { name: "pipeline", start: "pipeline" },
      { name: "ws + Redis", start: "wsRedis" },
      { name: "ws + PostgreSQL", start: "wsPostgres" },
      module(two, { workers: 2 }),
      module("module, random ids", {}, { ids: "random" }),
      { name: "Redis alone", start: "redis" },
    ],
    points: [1, 10, 100, 1000].map((n) => ({ label: `${n} client${
      n > 1 ? "s" : ""}`, load: { n } })),
    note: "Each client has one token under way and is answered when it is on "
      + "disk. The module and the pipeline (one epoll loop, all commands of a "
      + "round in one synced LMDB commit) look the id up, count and append; "
      + "Redis (appendfsync always) does one XADD, PostgreSQL one INSERT with "
      + "a unique id: less work. Redis and PostgreSQL are behind the smallest "
      + "server with npm's ws, with the pipelining and the pool of ten "
      + "connections that their clients have by default. Redis alone is "
      + "redis-benchmark with XADD, no WebSocket.",
  },
  {
    id: "unsynced", only: "tokens", title: "Tokens without sync",
    mode: "tokens", unit: "tokens/s", base: "pipeline",
    contenders: [
      module("module", { sync: "off" }),
      { name: "pipeline", start: "pipeline", options: { sync: "off" } },
      module(two, { sync: "off", workers: 2 }),
    ],
    points: [1, 100, 1000].map((n) => ({ label: `${n} client${
      n > 1 ? "s" : ""}`, load: { n } })),
    note: "The same with sync=off: what is answered survives the death of "
      + "every process, but not of the machine.",
  },
];
