// @ts-check
/**
 * Token ids: UUIDv7 (RFC 9562), 48 bits of time, then a counter (12 bits, so
 * that the ids of one millisecond are in order), then 62 random bits.
 *
 * The time is the server's, as far as it is known: the server refuses ids that
 * are too old or from the future, and clocks of clients are often wrong.
 *
 * @module
 */

const COUNTER_MAX = 0xfff;
const COUNTER_START = 0x3ff;
const JUMP = 10_000;

export class Ids {
  /**
   * @param {object} options
   * @param {() => number} options.now                    the local clock, ms
   * @param {(bytes: Uint8Array) => unknown} options.fill  with random bytes
   */
  constructor({ now, fill }) {
    this.local = now;
    this.fill = fill;
    /** what the server's clock is ahead of ours, ms */
    this.offset = 0;
    this.last = 0;
    this.counter = 0;
  }

  /** the server's clock, ms */
  now() {
    return Math.round(this.local() + this.offset);
  }

  /** @param {number} time the server's clock, now */
  correct(time) {
    this.offset = time - this.local();
    // ids must not stay ahead of a server that told us our clock is fast
    if (this.last > time + JUMP) this.last = 0;
  }

  /** @returns {string} */
  next() {
    const bytes = new Uint8Array(16);
    this.fill(bytes);
    const random = (bytes[6] << 8) | bytes[7];
    const now = this.now();

    if (now > this.last || ++this.counter > COUNTER_MAX) {
      this.last = Math.max(now, this.last + 1);
      this.counter = random & COUNTER_START;
    }

    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    const time = hex(this.last, 12);
    const rest = Array.from(bytes.subarray(8), (byte) => hex(byte, 2)).join("");
    const parts = [
      time.slice(0, 8),
      time.slice(8),
      hex(0x7000 | this.counter, 4),
      rest.slice(0, 4),
      rest.slice(4),
    ];
    return parts.join("-");
  }
}

/**
 * @param {number} number
 * @param {number} digits
 */
function hex(number, digits) {
  return number.toString(16).padStart(digits, "0");
}

/**
 * @param {string} id a UUIDv7
 * @returns {number} its time, ms since the epoch
 */
export function timeOf(id) {
  return parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}
