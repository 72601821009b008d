// @ts-check

/** What is measured: how each server is started, and how it is spoken to. */

import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, readFileSync, readdirSync,
  writeFileSync } from "node:fs";
import { join } from "node:path";
import { build, directory, family, freePort, out, run, start, top }
  from "./process.mjs";

/** @typedef {import("./process.mjs").Server} Server */

/**
 * @typedef {object} Options
 * @property {number} [workers]
 * @property {"on" | "off"} [sync]
 * @property {string} [stall]
 * @property {string} [heartbeat]
 * @property {number} [connections]  slots of each nginx worker
 * @property {string} [dir]  of a server before, with its store
 * @property {boolean} [reuseport]  connections are spread evenly
 * @property {boolean} [tls]  TLS, with a certificate of its own
 * @property {string[]} [under]  what runs nginx, then a single process
 */

/** The workers are whoever started the bench. */
const user = process.getuid?.() === 0 ? "user root;" : "";

/** nginx with one of our configurations.
 * @param {string} name
 * @param {string} file
 * @param {Options} options
 * @returns {Promise<Server & { dir: string }>} */
async function nginx(name, file, options) {
  const dir = options.dir ?? directory(name);
  const port = await freePort();
  /** @type {Record<string, string | number>} */
  const values = {
    LOAD_MODULE: `load_module ${build}/ngx_http_token_module.so;`,
    USER: user, PREFIX: dir, PORT: port, FILES: 20000,
    WORKERS: options.workers ?? 1, SYNC: options.sync ?? "on",
    STALL: options.stall ?? "30s", HEARTBEAT: options.heartbeat ?? "25s",
    CONNECTIONS: options.connections ?? 19000,
    LISTEN: `${options.reuseport ? " reuseport" : ""}${
      options.tls ? " ssl" : ""}`,
    TLS: options.tls ? await tls(dir) : "",
  };
  const text = readFileSync(join(top, "bench", file), "utf8");
  writeFileSync(join(dir, "nginx.conf"),
    text.replace(/@([A-Z_]+)@/g, (_, key) => String(values[key])));
  mkdirSync(join(dir, "store"), { recursive: true });
  chmodSync(join(dir, "store"), 0o700);
  const { under } = options;
  const server = await start(name,
    [...under ?? [], "nginx", "-p", `${dir}/`, "-e", "stderr", "-c",
      `${dir}/nginx.conf`, ...under ? ["-g", "master_process off;"] : []],
    // the master does nothing
    { port, processes: options.workers ?? 1, pids: (pid) => under ? [pid]
      : family(pid).filter((p) => p !== pid) });
  return { ...server, dir };
}

/** The directives of TLS, and a certificate: the rest is Debian's nginx.conf.
 * @param {string} dir
 * @returns {Promise<string>} */
async function tls(dir) {
  writeFileSync(join(dir, "cert.pem"), await run(["openssl", "req", "-x509",
    "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
    "-subj", "/CN=127.0.0.1", "-keyout", `${dir}/key.pem`]));
  return `ssl_certificate      ${dir}/cert.pem;
        ssl_certificate_key  ${dir}/key.pem;

        ssl_protocols  TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;
        ssl_prefer_server_ciphers  on;`;
}

/** The module in Debian's nginx. @param {Options} [options] */
export const ours = (options = {}) => nginx("ours", "nginx.conf", options);

/** nchan in Debian's nginx. @param {Options} [options] */
export const nchan = (options = {}) => nginx("nchan", "nchan.conf", options);

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

/** npm's ws, in front of a store or of nothing.
 * @param {string} name
 * @param {string[]} store
 * @param {Server} [behind]
 * @returns {Promise<Server>} */
async function peer(name, store, behind) {
  const port = await freePort();
  const server = await start(name, [process.execPath,
    join(top, "bench", "peer.mjs"), String(port), ...store], { port });
  return {
    ...server,
    pids: () => [...server.pids(), ...behind?.pids() ?? []],
    stop: async () => { await server.stop(); await behind?.stop(); },
  };
}

/** npm's ws. */
export const ws = () => peer("ws", ["none"]);

/** Redis that syncs each write.
 * @returns {Promise<Server>} */
export async function redis() {
  const port = await freePort();
  return start("redis", ["redis-server", "--port", String(port), "--bind",
    "127.0.0.1", "--dir", directory("redis"), "--save", "", "--appendonly",
    "yes", "--appendfsync", "always"], { port });
}

/** npm's ws in front of Redis. */
export async function wsRedis() {
  const store = await redis();
  return peer("ws + Redis", ["redis", `redis://127.0.0.1:${store.port}`],
    store);
}

/** PostgreSQL, as it comes, in a cluster of its own.
 * @returns {Promise<Server>} */
async function postgres() {
  const versions = "/usr/lib/postgresql";
  const newest = readdirSync(versions).sort((a, b) => Number(a) - Number(b))
    .at(-1);
  const bin = join(versions, String(newest), "bin");
  const dir = directory("postgres");
  const port = await freePort();
  /** @type {{ uid?: number, gid?: number }} */
  let as = {};
  if (process.getuid?.() === 0) {
    // it refuses to be root
    const id = (/** @type {string} */ flag) =>
      Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
    as = { uid: id("-u"), gid: id("-g") };
    chownSync(dir, id("-u"), id("-g"));
  }
  const data = join(dir, "data");
  await run([join(bin, "initdb"), "-D", data, "-U", "bench", "-A", "trust",
    "--no-sync"], { ...as, cwd: dir });
  return start("postgres", [join(bin, "postgres"), "-D", data, "-p",
    String(port), "-k", dir, "-c", "listen_addresses=127.0.0.1"],
  { ...as, port, cwd: dir, signal: "SIGINT", pids: family });
}

/** npm's ws in front of PostgreSQL. */
export async function wsPostgres() {
  const store = await postgres();
  return peer("ws + PostgreSQL", ["postgres",
    `postgres://bench@127.0.0.1:${store.port}/postgres`], store);
}
