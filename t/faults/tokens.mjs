// @ts-check
/**
 * The tokens of one client, from the first asking to the final outcome, by
 * the rules of PROTOCOL.md: an id is sent again unchanged, and only where the
 * protocol allows it.
 */

/** @typedef {import("./link.mjs").Link} Link */
/** @typedef {import("./plan.mjs").Step} Step */

/**
 * @typedef {object} Pending
 * @property {string} id
 * @property {any} message
 * @property {Step} step
 * @property {boolean} cancelled
 */

const FINAL = ["ok", "rejected", "superseded", "interrupted"];

/** ids of tokens that are long answered, in a resume */
const OLD = 3;

export class Tokens {
  /**
   * @param {{number: number, random: import("./random.mjs").Random,
   *   link: () => Link | null, twin: () => Link | null,
   *   version: (guess: "current" | "stale") => number}} options
   */
  constructor({ number, random, link, twin, version }) {
    this.number = number;
    this.random = random;
    this.link = link;
    this.twin = twin;
    this.version = version;
    this.count = 0;
    /** ms that the server's clock is ahead */
    this.ahead = 0;
    /** @type {Map<string, Pending>} */
    this.pending = new Map();
    /** @type {string[]} answered `ok` */
    this.done = [];
    this.quiet = false;
  }

  /** @param {Step} step @returns {boolean} it was asked for */
  issue(step) {
    const link = this.link();
    if (!link?.ready) return false;

    const id = this.id();
    const message = { type: "token", id, ...this.body(step) };
    const entry = { id, message, step, cancelled: false };

    this.pending.set(id, entry);
    link.ask(message);

    if (step.twice === "same") link.ask(message);
    if (step.twice === "other") this.twin()?.ask(message);

    if (step.cancel !== null) {
      setTimeout(() => this.cancel(entry), step.cancel);
    }

    return true;
  }

  /** @param {Step} step */
  body(step) {
    const requests = step.requests.map(({ service, value, guess }) =>
      guess === undefined
        ? { service, value }
        : { service, value: { ...value, version: this.version(guess) } },
    );

    return requests.length === 1 ? requests[0] : { requests };
  }

  /** A UUIDv7 that tells, to people, whose and which it is. */
  id() {
    const hex = (/** @type {number} */ n, /** @type {number} */ digits) =>
      n.toString(16).padStart(digits, "0");
    const time = hex(Date.now() + this.ahead, 12);
    const n = ++this.count;

    return (
      `${time.slice(0, 8)}-${time.slice(8)}-7${hex(n & 0xfff, 3)}` +
      `-${hex(0x8000 + this.number, 4)}-${hex(n, 6)}` +
      hex(this.random.int(0, 0xffffff), 6)
    );
  }

  /** @param {Pending} entry */
  cancel(entry) {
    if (!this.pending.has(entry.id)) return;

    /* from here on: also when it has to be sent again */
    entry.cancelled = true;
    this.link()?.ask({ type: "cancel", id: entry.id });
  }

  /** @param {Pending} entry */
  again(entry) {
    const link = this.link();
    if (!this.pending.has(entry.id) || !link?.ask(entry.message)) return;
    if (entry.cancelled) link.ask({ type: "cancel", id: entry.id });
  }

  /** After a reconnect. @param {Link} link */
  resume(link) {
    const ids = [...this.pending.keys()];

    for (let i = 0; i < OLD && this.done.length; i++) {
      ids.push(this.random.pick(this.done));
    }

    if (ids.length) link.ask({ type: "resume", ids: [...new Set(ids)] });
  }

  /**
   * @param {any} message  an outcome
   * @param {boolean} twin
   */
  answer(message, twin) {
    const entry = this.pending.get(message.id);
    if (!entry) return;

    if (FINAL.includes(message.outcome)) {
      this.pending.delete(entry.id);
      if (message.outcome === "ok") this.done.push(entry.id);
      this.probe(entry, message);
      return;
    }

    /* the first connection will be answered, too */
    if (twin) return;

    switch (message.outcome) {
      case "busy":
        setTimeout(() => this.again(entry), message.retry);
        break;

      case "unknown":
        this.again(entry);
        break;

      case "failed":
        if (entry.step.again) {
          setTimeout(() => this.again(entry), this.random.int(5, 100));
        } else {
          this.pending.delete(entry.id);
        }
        break;

      default: /* running */
        break;
    }
  }

  /**
   * Asks again for what has been answered.
   * @param {Pending} entry
   * @param {any} message
   */
  probe(entry, message) {
    const { after } = entry.step;
    if (after === null || this.quiet) return;

    const again =
      after === "repeat"
        ? entry.message
        : { type: "token", id: entry.id, service: "toggle", value: "reuse" };

    /* a refusal without an entry in the ledger leaves the id free */
    if (after === "reuse" && message.outcome !== "ok") return;

    setTimeout(() => {
      if (!this.quiet) this.link()?.ask({ ...again, probe: after });
    }, this.random.int(20, 600));
  }
}
