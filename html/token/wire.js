// @ts-check
/**
 * The framing of token.v1 (PROTOCOL.md, 2): JSON objects, separated by line
 * feeds; and what the close codes ask for (10).
 *
 * @module
 */

/**
 * A message of the protocol; `type` names it.
 * @typedef {{type: string, [member: string]: any}} Message
 */

const encoder = new TextEncoder();

/**
 * @param {string} text
 * @returns {number} its length in UTF-8
 */
export function bytesOf(text) {
  return encoder.encode(text).length;
}

/**
 * @param {any} value
 * @returns {number} how deeply arrays and objects are nested
 */
export function depthOf(value) {
  let most = 0;
  if (Object(value) !== value) return most;
  for (const each of Object.values(value)) most = Math.max(most, depthOf(each));
  return most + 1;
}

/**
 * Puts messages into as few frames as the limit allows.
 * @param {string[]} texts
 * @param {number} limit bytes of a frame
 * @returns {string[]}
 */
export function pack(texts, limit) {
  const frames = [];
  let frame = "";
  let size = 0;

  for (const text of texts) {
    const bytes = bytesOf(text);
    if (frame && size + 1 + bytes > limit) {
      frames.push(frame);
      frame = "";
    }
    size = frame ? size + 1 + bytes : bytes;
    frame = frame ? `${frame}\n${text}` : text;
  }

  if (frame) frames.push(frame);
  return frames;
}

/**
 * @param {unknown} data of a WebSocket message
 * @returns {Message[]} those that could be read; others are logged
 */
export function unpack(data) {
  if (typeof data !== "string") return ignore(data);

  return data.split("\n").flatMap((line) => {
    if (line === "") return [];
    try {
      const message = JSON.parse(line);
      if (typeof message?.type === "string") return [message];
    } catch {
      // no JSON
    }
    return ignore(line);
  });
}

/**
 * @param {unknown} what the server cannot have meant
 * @returns {Message[]} none
 */
function ignore(what) {
  console.error("token: this was ignored:", what);
  return [];
}

const FINAL = new Set([1002, 1003, 1007, 1008, 1009, 1010]);

/**
 * @param {number} code of a close
 * @returns {boolean} connecting again would lead to the same
 */
export function isFinal(code) {
  return FINAL.has(code) || code >= 4500;
}

/** ms; what a reason may ask for at most */
const DELAY_MAX = 300_000;

/**
 * @param {number} code
 * @param {string} reason
 * @returns {number | null} ms after which the server wants to see us again
 */
export function delayOf(code, reason) {
  if (code !== 1012 || !/^\d{1,9}$/.test(reason)) return null;
  return Math.min(Number(reason), DELAY_MAX);
}

/** ms */
const BACKOFF_BASE = 500;
const BACKOFF_MAX = 30_000;

/**
 * Full jitter: any time up to a bound that doubles.  Clients that lost the
 * same server do not come back at the same moment.
 * @param {number} attempt 0 for the first
 * @param {() => number} random from 0 to 1
 * @returns {number} ms
 */
export function backoff(attempt, random) {
  return random() * Math.min(BACKOFF_MAX, BACKOFF_BASE * 2 ** attempt);
}
