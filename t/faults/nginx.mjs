// @ts-check
/**
 * An nginx with the module, with a prefix, a port and a store of its own.
 * Signals go to processes of this nginx only: to the masters that its pid
 * files name, and to their children.
 *
 * Environment: TOKEN_NGINX (the binary), TOKEN_MODULE (the dynamic module;
 * empty: it is built in).
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  accessSync,
  constants,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../..");

/** @param {number} ms @returns {Promise<void>} */
export const pause = (ms) =>
  new Promise((wake) => {
    setTimeout(wake, ms);
  });

/**
 * Waits for a condition; whether it came true in time.
 * @param {() => any} condition
 * @param {number} ms
 */
export async function until(condition, ms) {
  const end = performance.now() + ms;

  for (;;) {
    if (await condition()) return true;
    if (performance.now() > end) return false;
    await pause(20);
  }
}

export class Nginx {
  /** @param {{workers: number, module?: string}} options */
  constructor({ workers, module }) {
    this.workers = workers;
    this.module =
      module ??
      process.env.TOKEN_MODULE ??
      join(ROOT, "build/ngx_http_token_module.so");
    this.binary = binary(process.env.TOKEN_NGINX ?? "nginx");
    this.prefix = mkdtempSync(join(tmpdir(), "token-faults-"));
    this.log = join(this.prefix, "error.log");
    this.conf = join(this.prefix, "nginx.conf");
    mkdirSync(join(this.prefix, "store"));
  }

  async start() {
    this.port ??= await freePort();
    this.configure();

    const report = `log_path=${this.prefix}/sanitizer`;
    const starting = spawn(
      this.binary,
      ["-p", this.prefix, "-c", this.conf, "-e", this.log],
      {
        env: {
          ...process.env,
          ASAN_OPTIONS: `detect_leaks=0:detect_odr_violation=0:${report}`,
          UBSAN_OPTIONS: `print_stacktrace=1:${report}`,
        },
        stdio: ["ignore", "inherit", "inherit"],
      },
    );

    /* the master goes into the background: only then does it know WINCH */
    const [code] = await once(starting, "exit");

    if (code !== 0 || !(await until(() => accepts(this.port ?? 0), 10_000))) {
      throw new Error(`nginx has not started: see ${this.log}`);
    }
  }

  configure() {
    const template = join(import.meta.dirname, "nginx.conf");
    /** @type {Record<string, string | number>} */
    const places = {
      LOAD_MODULE: this.module ? `load_module ${this.module};` : "",
      USER: process.getuid?.() === 0 ? "user root;" : "",
      WORKERS: this.workers,
      PREFIX: this.prefix,
      PORT: this.port ?? 0,
    };
    const conf = readFileSync(template, "utf8").replace(
      /@([A-Z_]+)@/g,
      (whole, name) => String(places[name] ?? whole),
    );

    writeFileSync(this.conf, conf);
  }

  /** The masters: of an upgrade the new one first. */
  masters() {
    return ["nginx.pid", "nginx.pid.oldbin"]
      .map((name) => Number(text(join(this.prefix, name))))
      .filter((pid) => pid && title(pid).startsWith("nginx: master process"));
  }

  /** The workers, also those that are leaving. */
  processes() {
    const masters = this.masters();

    return children(masters).filter((pid) =>
      title(pid).startsWith("nginx: worker process"),
    );
  }

  /** One master, its workers, and nothing that is leaving. */
  settled() {
    return (
      this.masters().length === 1 && this.processes().length === this.workers
    );
  }

  /**
   * @param {number} pid  one of processes() or masters()
   * @param {NodeJS.Signals} signal
   */
  signal(pid, signal) {
    if (![...this.processes(), ...this.masters()].includes(pid)) return;

    try {
      process.kill(pid, signal);
    } catch {
      /* gone in between */
    }
  }

  reload() {
    this.signal(this.masters()[0], "SIGHUP");
  }

  /**
   * The binary upgrade, with or without WINCH before QUIT.
   * @param {number} wait  ms between the steps
   * @param {boolean} winch
   */
  async upgrade(wait, winch) {
    const [old, other] = this.masters();
    if (other) return;

    this.signal(old, "SIGUSR2");

    if (!(await until(() => this.masters().length === 2, 5000))) return;

    await pause(wait);

    if (winch) {
      this.signal(old, "SIGWINCH");
      await pause(wait);
    }

    this.signal(old, "SIGQUIT");
  }

  /** Whether it has gone by itself. */
  async stop(signal = /** @type {NodeJS.Signals} */ ("SIGQUIT"), ms = 12_000) {
    for (const pid of this.masters()) this.signal(pid, signal);

    const gone = await until(() => this.masters().length === 0, ms);

    if (!gone) this.kill();

    return gone;
  }

  /** Ends every process at once, also when the pid file is gone. */
  kill() {
    const masters = processes().filter((pid) => {
      const name = title(pid);
      return name.startsWith("nginx: master") && name.includes(this.prefix);
    });

    for (const pid of [...masters, ...children(masters)]) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        /* gone in between */
      }
    }
  }

  /** What the log, or a sanitizer, has to say against it. */
  faults() {
    const bad = unexcused(text(this.log).split("\n")).filter(
      (line) =>
        /\[(alert|emerg|crit)\]|Sanitizer|runtime error/.test(line) &&
        !line.includes("exited on signal 9"),
    );

    for (const name of readdirSync(this.prefix)) {
      if (name.startsWith("sanitizer")) {
        bad.push(readFileSync(join(this.prefix, name), "utf8"));
      }
    }

    return bad;
  }

  remove() {
    rmSync(this.prefix, { recursive: true, force: true });
  }
}

/**
 * nginx before 1.25 reports the connections of a worker that is told to leave
 * gracefully, and then to end at once (a reload, and TERM before the old
 * workers have left): whatever is open then, a handshake for instance, is no
 * leak.  These lines are left out; without a TERM in between they stay.
 * @param {string[]} lines
 */
export function unexcused(lines) {
  /** @type {Map<string, boolean>} that are leaving: whether TERM has come */
  const leaving = new Map();

  return lines.filter((line) => {
    const pid = /\] (\d+)#/.exec(line)?.[1] ?? "";

    if (line.includes("gracefully shutting down")) leaving.set(pid, false);

    if (line.includes("signal 15 (SIGTERM) received")) {
      for (const other of leaving.keys()) leaving.set(other, true);
    }

    return !(
      leaving.get(pid) &&
      /\[alert\].*(open socket #\d+ left|: aborting$)/.test(line)
    );
  });
}

/** An absolute path: an upgrade executes it. @param {string} name */
function binary(name) {
  if (name.includes("/")) return resolve(name);

  const path = `${process.env.PATH}${delimiter}/usr/sbin${delimiter}/sbin`;

  for (const dir of path.split(delimiter)) {
    try {
      accessSync(join(dir, name), constants.X_OK);
      return join(dir, name);
    } catch {
      /* the next */
    }
  }

  throw new Error(`there is no ${name}`);
}

/** A file that may go at any moment. @param {string} file */
function text(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** @param {number} pid */
const title = (pid) => text(`/proc/${pid}/cmdline`);

const processes = () =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

/** @param {number[]} parents */
const children = (parents) =>
  processes().filter((pid) => {
    const stat = text(`/proc/${pid}/stat`);
    const [, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return parents.includes(Number(parent));
  });

/** @param {number} port @returns {Promise<boolean>} */
function accepts(port) {
  return new Promise((done) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => {
      socket.destroy();
      done(true);
    });
    socket.on("error", () => done(false));
  });
}

/** @returns {Promise<number>} */
async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");

  const address = server.address();
  server.close();
  await once(server, "close");

  return typeof address === "object" && address ? address.port : 0;
}
