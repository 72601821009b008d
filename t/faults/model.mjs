// @ts-check
/**
 * What the store must be, from the log "history" alone: its records are
 * replayed in the order of their seq.  Every change of the store takes the
 * next seq and every service appends to that log last, so each seq is
 * accounted for, and none may be left over.
 */

/** @typedef {{seq: number, value: any, deleted?: true}} Version */
/**
 * @typedef {object} Entry
 * @property {number} seq
 * @property {string} token
 * @property {string | null} user
 * @property {any} value
 */
/** @typedef {(code: string, text: string) => void} Complain */

/** @type {Record<string, any>} */
export const INITIAL = {
  switch: false,
  total: 0,
  cas: "none",
  doc: {},
  word: "",
  still: 7, /* nobody ever writes it */
};

export const FAMILY = "n/*";
/** @type {Record<string, number>} records that are retained */
export const KEEP = { history: Infinity, short: 50 };

/**
 * The effects of a request before its record in the history, in order.
 * @type {Record<string, (value: any) => any[][]>}
 */
export const EFFECTS = {
  toggle: () => [["toggle", "switch"]],
  add: (value) => [["add", `n/${value.key}`, value.n]],
  count: (value) => [["add", "total", value.n]],
  say: (value) => [["append", "short", value]],
  put: (value) => [["put", "cas", value.value, value.version]],
  merge: (value) => [["merge", "doc", value]],
  drop: (value) => [["delete", `n/${value.key}`]],
  several: (value) => [
    ["toggle", "switch"],
    ["add", "total", value.n],
    ["append", "short", value],
    ["set", "word", value.text],
  ],
};

/** The operation of a service. @param {string} service */
export const operation = (service) => service.replace(/^(slow_)?(flaky_)?/, "");

/** RFC 7396. @param {any} target @param {any} patch @returns {any} */
export function merge(target, patch) {
  if (!isObject(patch)) return patch;

  const merged = isObject(target) ? { ...target } : {};

  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else merged[name] = merge(merged[name], value);
  }

  return merged;
}

/** @param {any} value */
const isObject = (value) =>
  value !== null && typeof value === "object" && !Array.isArray(value);

/** Whether two values are the same JSON. @param {any} a @param {any} b */
export const same = (a, b) => canonical(a) === canonical(b);

/** @param {any} value @returns {string} */
export function canonical(value) {
  return JSON.stringify(value, (_, v) =>
    isObject(v)
      ? Object.fromEntries(
          Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)),
        )
      : v,
  );
}

export class Model {
  /**
   * @param {Entry[]} history  all records of the log
   * @param {Complain} complain
   */
  constructor(history, complain) {
    this.complain = complain;
    /** @type {Map<string, Version[]>} by atom */
    this.atoms = new Map();
    /** @type {Record<string, Entry[]>} */
    this.logs = { history, short: [] };
    /** @type {Map<string, Entry[]>} by token: its records in the history */
    this.tokens = new Map();
    /** @type {Map<string, [string, number][]>} by token: channel and seq */
    this.changes = new Map();
    this.head = 0;

    for (const name of Object.keys(INITIAL)) this.versions(name);
    for (const record of history) this.replay(record);

    /** @type {Record<string, Map<number, number>>} seq to index */
    this.index = Object.fromEntries(
      Object.entries(this.logs).map(([name, log]) => [
        name,
        new Map(log.map(({ seq }, i) => [seq, i])),
      ]),
    );
  }

  /** @param {string} name @returns {Version[]} the first: never written */
  versions(name) {
    let list = this.atoms.get(name);

    if (!list) {
      list = [{ seq: 0, value: INITIAL[name] ?? 0 }];
      this.atoms.set(name, list);
    }

    return list;
  }

  /** @param {string} name */
  latest(name) {
    const list = this.versions(name);
    return list[list.length - 1];
  }

  /**
   * @param {string} name
   * @param {number} seq
   * @returns {Version | undefined}
   */
  version(name, seq) {
    const list = this.atoms.get(name) ?? [];
    let low = 0;
    let high = list.length - 1;

    while (low <= high) {
      const middle = (low + high) >> 1;
      if (list[middle].seq === seq) return list[middle];
      if (list[middle].seq < seq) low = middle + 1;
      else high = middle - 1;
    }

    return undefined;
  }

  /** @param {Entry} record */
  replay(record) {
    const { seq, token, value } = record;
    const effects = EFFECTS[value?.op]?.(value.value);

    if (!effects) {
      this.complain("ghost", `${token} at ${seq}: effect of "${value?.op}"`);
      this.head = seq;
      return;
    }

    for (const effect of effects) this.apply(record, effect);

    if (++this.head !== seq) {
      this.complain(
        "hole",
        `the record of ${token} has seq ${seq}, by the history it is ` +
          `${this.head}: a change is missing, or one too many`,
      );
      this.head = seq;
    }

    this.tokens.set(token, [...(this.tokens.get(token) ?? []), record]);
    this.note(token, "history", seq);
  }

  /**
   * @param {Entry} record
   * @param {any[]} effect
   */
  apply(record, [type, name, value, version]) {
    const { token, user } = record;

    if (type === "append") {
      this.logs[name].push({ seq: ++this.head, token, user, value });
      this.note(token, name, this.head);
      return;
    }

    const list = this.versions(name);
    const last = list[list.length - 1];
    const exists = last.seq !== 0 && !last.deleted;

    if (type === "delete" && !exists) return;

    const seq = ++this.head;
    this.note(token, name, seq);

    switch (type) {
      case "toggle":
        list.push({ seq, value: !last.value });
        break;

      case "add":
        list.push({ seq, value: last.value + value });
        break;

      case "merge":
        list.push({ seq, value: merge(last.value, value) });
        break;

      case "delete":
        list.push({ seq, value: INITIAL[name] ?? 0, deleted: true });
        break;

      case "put":
        if (version !== last.seq) {
          this.complain(
            "model",
            `${token} put "${name}" at version ${last.seq}, not ${version}`,
          );
        }
        list.push({ seq, value });
        break;

      default: /* set */
        list.push({ seq, value });
    }
  }

  /**
   * @param {string} token
   * @param {string} channel
   * @param {number} seq
   */
  note(token, channel, seq) {
    const list = this.changes.get(token) ?? [];
    list.push([channel, seq]);
    this.changes.set(token, list);
  }
}
