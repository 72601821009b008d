// @ts-check
/** Random numbers that a seed brings back. */

/** 32 bits of any text. @param {string} text */
function hash(text) {
  let h = 0x811c9dc5;

  for (const ch of Buffer.from(text)) {
    h = Math.imul(h ^ ch, 0x01000193);
  }

  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);

  return (h ^ (h >>> 16)) >>> 0;
}

/** Mulberry32: small, and good enough to choose by. */
export class Random {
  /** @param {string | number} seed */
  constructor(seed) {
    this.seed = String(seed);
    this.state = hash(this.seed);
  }

  /** Another stream: what one part draws does not move the others. */
  fork(/** @type {string | number} */ name) {
    return new Random(`${this.seed}/${name}`);
  }

  /** @returns {number} from 0 to below 1 */
  next() {
    this.state = (this.state + 0x6d2b79f5) | 0;

    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;

    return ((t ^ (t >>> 14)) >>> 0) / 0x100000000;
  }

  /** A whole number. @param {number} from @param {number} to inclusive */
  int(from, to) {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  /** @param {number} p */
  chance(p) {
    return this.next() < p;
  }

  /** @template T @param {readonly T[]} list @returns {T} */
  pick(list) {
    return list[Math.floor(this.next() * list.length)];
  }

  /**
   * One of the names, by weight.
   * @template {string} T
   * @param {Record<T, number>} weights
   * @returns {T}
   */
  weighted(weights) {
    const entries = /** @type {[T, number][]} */ (Object.entries(weights));
    let rest = this.next() * entries.reduce((sum, [, n]) => sum + n, 0);

    for (const [name, n] of entries) {
      rest -= n;
      if (rest < 0) return name;
    }

    return entries[0][0];
  }
}
