// @ts-check
/**
 * The commands of a connection: kept in the storage, sent in order, asked for
 * after a reconnect, until they are answered.
 *
 *   send() --> fresh --> sent --outcome--> settled --retry()--> fresh
 *                ^  ^      |  `--busy--> later --> fresh
 *                |  |      lost
 *                |  |      v
 *                |  `---- ask --resume--> asked --outcome--> settled
 *                `---------unknown----------'`--running--> sent
 *
 * @module
 */

import { answer } from "./answer.js";
import { Command, bodyOf } from "./command.js";
import { LIMITS, excess, foreign, isUntimely, resume, turns } from "./queue.js";
import { batch, signal } from "./signal.js";
import { DISCARDED, reject } from "./token.js";

/** @typedef {import("./wire.js").Message} Message */
/** @typedef {import("./slot.js").Kept} Kept */
/** @typedef {import("./command.js").Request} Request */
/** @typedef {import("./command.js").CommandError} CommandError */
/** @typedef {import("./queue.js").Limits} Limits */

/** ms that outcomes are remembered, until the server says otherwise */
const LEDGER = 86_400_000;

/** failed commands that are remembered */
const FAILED = 16;

export class Commands {
  /**
   * @param {import("./connection.js").Connection} connection
   * @param {import("./id.js").Ids} ids
   * @param {import("./slot.js").Slot} slot
   */
  constructor(connection, ids, slot) {
    this.connection = connection;
    this.env = connection.env;
    this.ids = ids;
    this.slot = slot;
    /** @type {Command[]} also those that are discarded, but not answered */
    this.all = [];
    this.list = signal(/** @type {readonly Command[]} */ ([]));
    /** @type {Limits} */
    this.limits = LIMITS;
    /** @type {string | null | undefined} */
    this.user = undefined;
    /** @type {Map<string, Command>} by what they ask for */
    this.failed = new Map();
    this.ledger = LEDGER;
    this.ready = false;
    this.planned = false;
  }

  /**
   * @param {string | readonly Request[]} what
   * @param {any} [value]
   */
  add(what, value) {
    const { user } = this;
    const body = bodyOf(what, value);
    const kept = { id: this.ids.next(), body, time: this.ids.now(), user };
    const command = new Command(kept, this);
    this.all.push(command);
    this.changed();
    return command;
  }

  /**
   * The same, but what has failed and is asked for once more is that intent
   * again, under its id: a backend may have done its work.
   * @param {string | readonly Request[]} what
   * @param {any} [value]
   */
  ask(what, value) {
    const body = bodyOf(what, value);
    const command = this.failed.get(body);
    this.failed.delete(body);
    if (!command || command.user !== this.user) return this.add(what, value);
    command.discarded = false;
    this.all.push(command);
    this.retry(command);
    return command;
  }

  /** @param {Command} command whose error is shown elsewhere from now on */
  leave(command) {
    this.discard(command);
    if (command.state.peek() === "failed") this.failed.set(command.body, command);
    if (this.failed.size > FAILED) this.failed.delete(this.failed.keys().next().value ?? "");
  }

  /**
   * Goes on with those of an earlier page load.
   * @param {Kept[]} kept
   * @returns {boolean} they are kept
   */
  adopt(kept) {
    const known = new Set(this.all.map((command) => command.id));
    const added = kept.filter(({ id }) => !known.has(id));
    this.all.unshift(...added.map((each) => new Command(each, this, true)));
    this.all.sort((a, b) => a.time - b.time);
    this.changed();
    return this.save();
  }

  /** @param {Message} hello */
  hello({ limits, ledger, user }) {
    this.ledger = ledger || LEDGER;
    this.limits = { ...LIMITS, ...limits };
    this.user = user;
    this.ready = true;
    this.work();
  }

  lost() {
    this.ready = false;
    for (const command of this.all) {
      this.env.clearTimeout(command.timer);
      if (command.stage === "later") command.stage = "fresh";
      else if (command.stage !== "fresh") command.stage = "ask";
    }
  }

  /** the page is put away; the next one in this tab goes on with these */
  handOver() {
    this.work();
    for (const command of this.all) {
      command.sent = true;
      command.stage = "ask";
    }
  }

  /** the list has changed: shows it, keeps it, and soon sends what there is */
  changed() {
    const list = this.all.filter((command) => !command.discarded);
    const before = this.list.peek();
    if (list.length !== before.length || list.some((each, i) => each !== before[i]))
      this.list.value = list;
    if (this.planned) return;
    this.planned = true;
    queueMicrotask(() => this.planned && this.work());
  }

  work() {
    this.planned = false;
    const texts = this.ready ? batch(() => this.say()) : [];
    // first kept, then sent: what may have been run is asked for after a reload
    this.save();
    for (const text of texts) this.connection.send(text);
  }

  save() {
    return this.slot.save(this.all.map((command) => command.keep()));
  }

  /** @returns {string[]} what is to be said now */
  say() {
    const { all, limits, user } = this;
    const asked = all.filter(({ stage }) => stage === "ask");
    for (const command of asked) this.refuse(command, "failed", foreign(command, user));
    const texts = resume(asked);

    for (const command of turns(all, limits.inflight)) {
      if (isUntimely(command, this.ids.now(), this.ledger)) {
        command.rename(this.ids.next());
      }
      this.refuse(command, "failed", foreign(command, user));
      this.refuse(command, "rejected", excess(command, limits));
      if (!command.open) continue;
      command.sent = true;
      command.stage = "sent";
      texts.push(command.text());
    }
    return texts;
  }

  /**
   * @param {Command} command
   * @param {"rejected" | "failed"} state
   * @param {CommandError | null} error where there is one
   */
  refuse(command, state, error) {
    if (error && command.open) this.settle(command, state, error);
  }

  /** @param {Message} message an outcome, or an error with an id */
  receive(message) {
    const command = this.all.find(({ id }) => id === message.id);
    if (!command || !command.open) return;
    answer(this, command, message);
    this.changed();
  }

  /**
   * @param {Command} command nothing was run; it is sent again
   * @param {number} ms       after that
   */
  postpone(command, ms) {
    command.sent = false;
    command.stage = "later";
    const again = () => {
      command.stage = "fresh";
      this.work();
    };
    command.timer = this.env.setTimeout(again, ms * (1 + this.env.random() / 4));
  }

  /**
   * @param {Command} command
   * @param {import("./command.js").State} state
   * @param {CommandError} [error]
   * @param {{[member: string]: any}} [answer]
   */
  settle(command, state, error, answer) {
    this.env.clearTimeout(command.timer);
    command.result = answer?.result;
    command.stage = "fresh";
    const done = state === "ok" || state === "superseded" || command.discarded;
    if (done) this.all = this.all.filter((each) => each !== command);

    batch(() => {
      command.problem.value = error ?? null;
      command.state.value = state;
      this.changed();
    });
    command.resolve(/** @type {any} */ ({ ...command.answer(), ...answer }));
  }

  /** @param {Command} command */
  retry(command) {
    if (command.open || !this.all.includes(command)) return;
    if (command.state.peek() !== "failed") {
      command.rename(this.ids.next());
      command.sent = false;
    }
    command.cancelled = false;
    command.user = this.user;
    command.stage = "fresh";
    command.outcome = command.expect();

    batch(() => {
      command.problem.value = null;
      command.state.value = "pending";
      this.changed();
    });
  }

  /** @param {Command} command */
  discard(command) {
    command.discarded = true;
    if (command.open) this.cancel(command);
    else this.all = this.all.filter((each) => each !== command);
    this.changed();
    // an answered one has nothing else that would spend its token
    if (!command.open && command.token) reject(command.token, DISCARDED);
  }

  /** @param {Command} command */
  cancel(command) {
    if (!command.open) return;
    command.cancelled = true;
    if (command.stage === "fresh" || command.stage === "later") {
      this.settle(command, "superseded");
    } else {
      if (command.stage === "sent") this.sendCancel(command);
      this.changed();
    }
  }

  /** @param {Command} command */
  sendCancel(command) {
    this.connection.send(JSON.stringify({ type: "cancel", id: command.id }));
  }
}
