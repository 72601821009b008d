// @ts-check
/**
 * Does, by the dice, what production does by accident: to processes, to
 * connections and to readers.
 */

import { pause } from "./nginx.mjs";

/** how often each is chosen */
export const FAULTS = {
  kill: 5,
  kill_all: 1,
  stop: 4,
  reload: 2,
  upgrade: 1,
  restart: 1,
  cut: 6,
  cut_all: 1,
  hold: 4,
  lose: 2,
  pieces: 3,
  sleep: 3,
};

/** @typedef {keyof typeof FAULTS} Fault */

export class Nemesis {
  /**
   * @param {object} options
   * @param {import("./random.mjs").Random} options.random
   * @param {import("./nginx.mjs").Nginx} options.nginx
   * @param {import("./proxy.mjs").Proxy} options.proxy
   * @param {import("./client.mjs").Client[]} options.clients
   * @param {import("./history.mjs").History} options.history
   * @param {Fault[]} [options.faults]  which; all
   */
  constructor({ random, nginx, proxy, clients, history, faults }) {
    this.random = random;
    this.nginx = nginx;
    this.proxy = proxy;
    this.clients = clients;
    this.history = history;
    /** @type {Record<string, number>} */
    this.weights = Object.fromEntries(
      Object.entries(FAULTS).filter(
        ([name]) => !faults || faults.includes(/** @type {Fault} */ (name)),
      ),
    );
    /** @type {Record<string, number>} */
    this.counts = {};
    /** @type {Set<number>} */
    this.stopped = new Set();
    /** @type {Promise<void> | null} an upgrade, or a restart, under way */
    this.busy = null;
    /** @type {string[]} what went wrong in it */
    this.trouble = [];
  }

  /** @param {number} ms */
  async rage(ms) {
    const end = performance.now() + ms;

    if (Object.keys(this.weights).length === 0) return pause(ms);

    for (;;) {
      const wait = this.random.int(100, 1000);
      if (performance.now() + wait > end) break;
      await pause(wait);
      this.act(/** @type {Fault} */ (this.random.weighted(this.weights)));
    }

    await pause(end - performance.now());
  }

  async heal() {
    for (const pid of this.stopped) this.nginx.signal(pid, "SIGCONT");
    this.proxy.heal();
    await this.busy;
  }

  /** @param {Fault} action */
  act(action) {
    const data = this[action]() ?? {};

    this.counts[action] = (this.counts[action] ?? 0) + 1;
    this.history.record("harness", 0, "nemesis", { action, ...data });
  }

  kill() {
    const pid = this.worker();
    this.nginx.signal(pid, "SIGKILL");
    return { pid };
  }

  kill_all() {
    for (const pid of this.nginx.processes()) this.nginx.signal(pid, "SIGKILL");
  }

  stop() {
    const pid = this.worker();
    const ms = this.random.int(100, 3000);

    this.nginx.signal(pid, "SIGSTOP");
    this.stopped.add(pid);
    setTimeout(() => {
      this.nginx.signal(pid, "SIGCONT");
      this.stopped.delete(pid);
    }, ms);

    return { pid, ms };
  }

  reload() {
    this.nginx.reload();
  }

  upgrade() {
    const wait = this.random.int(0, 500);
    const winch = this.random.chance(0.5);

    this.alone(() => this.nginx.upgrade(wait, winch));

    return { wait, winch };
  }

  /** Fast or graceful, and started again. */
  restart() {
    const signal = this.random.pick(
      /** @type {const} */ (["SIGTERM", "SIGQUIT"]),
    );

    this.alone(async () => {
      if (!(await this.nginx.stop(signal))) {
        this.trouble.push(`nginx has not stopped on ${signal}`);
      }

      await this.nginx.start();
    });

    return { signal };
  }

  /** One at a time. @param {() => Promise<void>} action */
  alone(action) {
    this.busy ??= action()
      .catch((e) => {
        this.trouble.push(String(e));
      })
      .finally(() => {
        this.busy = null;
      });
  }

  cut() {
    const reset = this.random.chance(0.5);
    for (const pipe of this.some(4)) pipe.cut(reset);
    return { reset };
  }

  cut_all() {
    for (const pipe of this.proxy.pipes) pipe.cut();
  }

  hold() {
    const ms = this.random.int(200, 7000);

    for (const pipe of this.some(4)) {
      pipe.hold();
      setTimeout(() => pipe.release(), ms);
    }

    return { ms };
  }

  lose() {
    for (const pipe of this.some(2)) pipe.lose();
  }

  pieces() {
    const ms = this.random.int(500, 3000);
    const piece = this.random.int(1, 40);
    const delay = this.random.int(0, 3);

    for (const pipe of this.some(4)) {
      pipe.piece = piece;
      pipe.delay = delay;
      setTimeout(() => pipe.release(), ms);
    }

    return { ms, piece, delay };
  }

  /** Clients that do not read. */
  sleep() {
    const ms = this.random.int(200, 7000);
    const n = this.random.int(1, 3);

    for (let i = 0; i < n; i++) this.random.pick(this.clients).link?.sleep(ms);

    return { ms, n };
  }

  worker() {
    return this.random.pick(this.nginx.processes());
  }

  /** Some of the connections, at most n. @param {number} n */
  some(n) {
    const pipes = [...this.proxy.pipes].filter((pipe) => !pipe.deaf);
    const count = this.random.int(1, n);

    return pipes.length
      ? Array.from({ length: count }, () => this.random.pick(pipes))
      : [];
  }
}
