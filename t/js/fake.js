/**
 * A browser in miniature for the tests of the client: a clock that only moves
 * when it is told to, sockets that record, storage, locks and page events.
 */

import { connect } from "../../html/token.js";

export const EPOCH = "9f3c";
export const START = 1763683200000;

/** a source that is driven by hand */
export function source() {
  const fns = new Set();
  return {
    subscribe(fn) {
      fns.add(fn);
      return () => fns.delete(fn);
    },
    fire: (event = "click") => [...fns].forEach((fn) => fn(event)),
    fns,
  };
}

/** lets everything that is planned in microtasks happen */
export async function turn() {
  for (let i = 0; i < 20; i++) await null;
}

export class Clock {
  constructor(time = START) {
    this.time = time;
    this.timers = new Map();
    this.last = 0;
  }

  now = () => this.time;

  setTimeout = (fn, ms) => {
    this.timers.set(++this.last, { at: this.time + ms, fn });
    return this.last;
  };

  clearTimeout = (timer) => this.timers.delete(timer);

  async pass(ms) {
    const end = this.time + ms;
    await turn();

    for (;;) {
      const due = [...this.timers]
        .filter(([, { at }]) => at <= end)
        .sort(([, a], [, b]) => a.at - b.at)[0];
      if (!due) break;
      this.timers.delete(due[0]);
      this.time = Math.max(this.time, due[1].at);
      due[1].fn();
      await turn();
    }
    this.time = end;
  }
}

export class FakeSocket {
  constructor(url, protocol, world) {
    this.url = url;
    this.protocol = protocol;
    this.world = world;
    this.frames = [];
    this.closed = null;
    world.sockets.push(this);
  }

  send(frame) {
    if (this.closed) throw new Error("closed");
    this.frames.push(frame);
  }

  close(code = 1005, reason = "") {
    this.closed ??= { code, reason };
  }

  /** what the client has sent, and was not looked at yet */
  take() {
    const frames = this.frames;
    this.frames = [];
    return frames.flatMap((frame) => frame.split("\n").map((line) => JSON.parse(line)));
  }

  /** the server sends these in one frame */
  async say(...messages) {
    this.onmessage?.({ data: messages.map((m) => JSON.stringify(m)).join("\n") });
    await turn();
  }

  async raw(data) {
    this.onmessage?.({ data });
    await turn();
  }

  /** the server, or the network, ends it */
  async drop(code = 1006, reason = "") {
    this.closed = { code, reason };
    this.onclose?.({ code, reason });
    await turn();
  }

  hello(more = {}) {
    return this.say({
      type: "hello",
      protocol: "token.v1",
      session: "0b7e",
      epoch: EPOCH,
      seq: 4711,
      user: "alice",
      time: this.world.clock.time,
      heartbeat: 25000,
      limits: { message: 65536, depth: 32, inflight: 64, watches: 64 },
      ledger: 604800000,
      ...more,
    });
  }
}

export class Storage {
  constructor(items = []) {
    this.items = new Map(items);
    this.full = false;
  }

  get length() {
    return this.items.size;
  }

  key(i) {
    return [...this.items.keys()][i] ?? null;
  }

  getItem(key) {
    return this.items.get(key) ?? null;
  }

  setItem(key, value) {
    if (this.full) throw new Error("quota exceeded");
    this.items.set(key, String(value));
  }

  removeItem(key) {
    this.items.delete(key);
  }

  /** what a duplicated tab gets */
  copy() {
    return new Storage(this.items);
  }

  /** what another page of the same tab sees */
  view() {
    const storage = new Storage();
    storage.items = this.items;
    return storage;
  }
}

/** the locks of one browser, for all its pages */
export class Locks {
  constructor() {
    this.held = new Map();
    this.waiting = [];
  }

  request(name, options, fn) {
    return new Promise((resolve, reject) => {
      const entry = { name, fn, resolve, reject };
      options.signal?.addEventListener("abort", () => {
        if (!this.waiting.includes(entry)) return;
        this.waiting = this.waiting.filter((each) => each !== entry);
        reject(new Error("aborted"));
      });
      this.waiting.push(entry);
      queueMicrotask(() => this.grant());
    });
  }

  grant() {
    for (const entry of [...this.waiting]) {
      if (this.held.has(entry.name)) continue;
      this.waiting = this.waiting.filter((each) => each !== entry);
      this.held.set(entry.name, entry);
      Promise.resolve(entry.fn()).then((value) => {
        this.held.delete(entry.name);
        entry.resolve(value);
        this.grant();
      });
    }
  }
}

export class FakeDocument extends EventTarget {
  visibilityState = "visible";
}

/** one page load, with its connection */
export class World {
  constructor({ storage, locks, clock, url = "/live", ...options } = {}) {
    this.sockets = [];
    this.clock = clock ?? new Clock();
    this.storage = storage === undefined ? new Storage() : storage;
    this.locks = locks === undefined ? new Locks() : locks;
    this.window = new EventTarget();
    this.document = new FakeDocument();
    this.isOnline = true;
    this.jitter = 0.5;

    const world = this;
    this.live = connect(url, {
      WebSocket: class extends FakeSocket {
        constructor(url, protocol) {
          super(url, protocol, world);
        }
      },
      storage: this.storage,
      locks: this.locks,
      BroadcastChannel: null,
      now: this.clock.now,
      setTimeout: this.clock.setTimeout,
      clearTimeout: this.clock.clearTimeout,
      random: () => this.jitter,
      window: this.window,
      document: this.document,
      online: () => this.isOnline,
      base: "http://example.com/chat/",
      top: true,
      ...options,
    });
  }

  get socket() {
    return this.sockets[this.sockets.length - 1];
  }

  /** the tab is left; another page may come */
  async leave() {
    this.window.dispatchEvent(new Event("pagehide"));
    await turn();
  }

  /** the browser shows it again, out of its back/forward cache */
  async show({ persisted } = { persisted: true }) {
    this.window.dispatchEvent(Object.assign(new Event("pageshow"), { persisted }));
    await turn();
  }

  static async open(options) {
    const world = new World(options);
    await turn();
    await world.socket.hello(options?.hello);
    return world;
  }
}

/** collects console[method] while fn runs */
export async function listen(method, fn) {
  const original = console[method];
  const lines = [];
  console[method] = (...args) => lines.push(args);
  try {
    await fn();
  } finally {
    console[method] = original;
  }
  return lines;
}
