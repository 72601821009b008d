// @ts-check
/** One round: a new store, clients at work under faults, and the end of it. */

import { Client } from "./client.mjs";
import { History } from "./history.mjs";
import { Nemesis } from "./nemesis.mjs";
import { Nginx, pause, until } from "./nginx.mjs";
import { Proxy } from "./proxy.mjs";
import { Random } from "./random.mjs";
import { read, Observer } from "./observer.mjs";
import { same } from "./model.mjs";

/** names that clients share: tabs of one user; the rest is anonymous */
const USERS = ["ada", "ada", "bob", "eve", "", ""];

/**
 * @typedef {object} Options
 * @property {string} seed
 * @property {number} seconds
 * @property {number} workers
 * @property {number} clients
 * @property {import("./nemesis.mjs").Fault[]} [faults]
 * @property {string} [module]
 */

export class Round {
  /** @param {Options} options */
  constructor(options) {
    this.options = options;
    this.history = new History();
    this.nginx = new Nginx(options);
    /** @type {string[]} */
    this.trouble = [];
    /** @type {Client[]} */
    this.clients = [];
    /** @type {Record<string, number>} */
    this.counts = {};

    this.interrupted = () => {
      this.end();
      process.exit(130);
    };
    process.once("SIGINT", this.interrupted);
    process.once("SIGTERM", this.interrupted);
  }

  async run() {
    const { seed, seconds, faults } = this.options;
    const random = new Random(seed);
    const { history, nginx } = this;

    await nginx.start();

    this.proxy = new Proxy(nginx.port ?? 0);
    this.clients = this.make(random, await this.proxy.listen());

    for (const client of this.clients) client.connect();
    for (const client of this.clients) client.work();

    const nemesis = new Nemesis({
      random: random.fork("nemesis"),
      nginx,
      proxy: this.proxy,
      clients: this.clients,
      history,
      faults,
    });
    this.counts = nemesis.counts;

    await nemesis.rage(seconds * 1000);
    await nemesis.heal();
    this.trouble.push(...nemesis.trouble);

    await this.settle();
    await this.finish();
  }

  /**
   * @param {Random} random
   * @param {number} port
   */
  make(random, port) {
    const { history } = this;

    return Array.from({ length: this.options.clients }, (_, number) => {
      const user = USERS[number % USERS.length];
      return new Client({
        number,
        history,
        random: random.fork(`c${number}`),
        port,
        user,
      });
    });
  }

  /** Everyone is connected, and every token has its outcome. */
  async settle() {
    const { clients, nginx } = this;

    for (const client of clients) client.rest();

    const calm = await until(() => nginx.settled(), 15_000);

    if (!calm) {
      this.trouble.push(
        `processes at the end: ${nginx.masters().length} masters, ` +
          `${nginx.processes().length} workers`,
      );
    }

    await until(
      () =>
        clients.every(
          ({ link, tokens }) => link?.ready && tokens.pending.size === 0,
        ),
      20_000,
    );
  }

  async finish() {
    const { clients, history, nginx } = this;
    const observer = new Observer(history, nginx.port ?? 0);

    /* a last change of everything: all shall see it, with nothing else that
     * would make a worker look */

    await until(() => observer.presence !== null, 5000);
    await pause(300);

    const last = await observer.change();

    await until(
      () =>
        clients.every(({ cursors }) => cursors.get("history")?.seq === last),
      5000,
    );
    await pause(200);

    await this.present(observer);

    for (const client of clients) client.leave();

    await this.alone(observer);
    observer.close();

    await read("reader 1", history, nginx.port ?? 0);

    if (!(await nginx.stop())) this.trouble.push("nginx did not stop on QUIT");

    await nginx.start();
    await read("reader 2", history, nginx.port ?? 0);

    if (!(await nginx.stop())) this.trouble.push("nginx did not stop on QUIT");

    this.expect({ process: this.trouble, log: nginx.faults() });
  }

  /** All are there. @param {Observer} observer */
  async present(observer) {
    /** @type {Map<string, number>} */
    const tabs = new Map([["observer", 1]]);
    let anonymous = 0;

    for (const { user } of this.clients) {
      if (user) tabs.set(user, (tabs.get(user) ?? 0) + 1);
      else anonymous++;
    }

    const users = [...tabs].sort().map(([user, n]) => ({ user, tabs: n }));

    await this.presence(observer, { users, anonymous }, [
      "observer",
      ...this.clients.map(({ name }) => name),
    ]);
  }

  /** All have left. @param {Observer} observer */
  async alone(observer) {
    const users = [{ user: "observer", tabs: 1 }];

    await this.presence(observer, { users, anonymous: 0 }, ["observer"]);
  }

  /**
   * @param {Observer} observer
   * @param {any} presence
   * @param {string[]} who
   */
  async presence(observer, presence, who) {
    await until(() => {
      const { users, anonymous } = observer.presence ?? {};
      return same({ users, anonymous }, presence);
    }, 8000);
    await pause(300);

    this.expect({ presence, who });
  }

  /** @param {any} data */
  expect(data) {
    this.history.record("harness", 0, "expect", data);
  }

  summary() {
    /** @type {Record<string, number>} */
    const outcomes = {};

    for (const { type, data } of this.history.events) {
      if (type === "told" && data.type === "outcome") {
        outcomes[data.outcome] = (outcomes[data.outcome] ?? 0) + 1;
      }
    }

    const text = (/** @type {Record<string, number>} */ counts) =>
      Object.entries(counts)
        .map(([name, n]) => `${n} ${name}`)
        .join(", ") || "none";
    const sum = (/** @type {(client: Client) => number} */ of) =>
      this.clients.reduce((n, client) => n + of(client), 0);

    return (
      `${this.clients.length} clients, ${sum((c) => c.tokens.count)} tokens, ` +
      `${sum((c) => c.reconnects)} reconnects, ` +
      `${this.history.events.length} events\n` +
      `faults: ${text(this.counts)}\n` +
      `outcomes: ${text(outcomes)}`
    );
  }

  /** Nothing is left, whatever happened. */
  end() {
    process.off("SIGINT", this.interrupted);
    process.off("SIGTERM", this.interrupted);

    for (const client of this.clients) client.leave();
    this.proxy?.close();
    this.nginx.kill();

    if (!process.env.KEEP) this.nginx.remove();
  }
}
