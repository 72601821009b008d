// @ts-check
/**
 * The shop behind nginx.conf: Node.js 18, no packages.
 *
 * It sells each order once: what is sold is on the disk before it is answered,
 * and the same Idempotency-Key is answered as it was the first time, after a
 * crash, too.  Where anything is wrong with the journal the shop ends; started
 * again, it knows what it has sold.
 *
 *     PORT     on 127.0.0.1 (default: 9090)
 *     JOURNAL  the file of what is sold (default: orders.journal)
 */

import { appendFileSync, fsyncSync, ftruncateSync, openSync, readFileSync } from "node:fs";
import { createServer } from "node:http";

/** @typedef {{order: string, item: string, n: number, left: number, change: number}} Order */

const { PORT = "9090", JOURNAL = "orders.journal" } = process.env;

/** @type {Record<string, number>} at first; nginx.conf says the same */
const stock = { teapot: 5, cup: 12, lamp: 1 };
/** @type {Map<string, Order>} by Idempotency-Key */
const orders = new Map();
const journal = openSync(JOURNAL, "a+");

/** @param {string} key @param {Order} order */
function sell(key, order) {
  orders.set(key, order);
  stock[order.item] -= order.n;
}

/** A line that is not whole was not answered: it is no order. */
function recall() {
  const lines = readFileSync(JOURNAL);
  const end = lines.lastIndexOf("\n") + 1;

  ftruncateSync(journal, end);
  fsyncSync(journal);
  for (const line of lines.toString("utf8", 0, end).split("\n").slice(0, -1)) {
    const { key, order } = JSON.parse(line);
    sell(key, order);
  }
}

/** @param {string} text @returns {any} */
function parse(text) {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}

/** @param {string} key @param {string} text @returns {[status: number, answer: Order | string]} */
function purchase(key, text) {
  const { item, n } = parse(text);
  if (!key || !Object.hasOwn(stock, item) || !Number.isSafeInteger(n) || n < 1)
    return [400, "This is no order."];

  const known = orders.get(key);
  if (known && (known.item !== item || known.n !== n)) return [422, "That was another order."];
  if (known) return [200, known];

  const left = stock[item] - n;
  if (stock[item] === 0) return [409, `Sold out: there is no ${item} left.`];
  if (left < 0) return [409, `Of ${item} there is only ${stock[item]} left.`];

  const order = { order: String(1001 + orders.size), item, n, left, change: -n };
  appendFileSync(journal, `${JSON.stringify({ key, order })}\n`);
  fsyncSync(journal);
  sell(key, order);
  return [200, order];
}

recall();
createServer((request, response) => {
  let text = "";

  request.setEncoding("utf8").on("data", (more) => (text += more));
  request.on("end", () => {
    const asked = `${request.method} ${request.url}` === "POST /purchase";
    const key = String(request.headers["idempotency-key"] ?? "");
    const [status, answer] = asked ? purchase(key, text) : [404, "There is only POST /purchase."];

    response.writeHead(status, { "Content-Type": "application/json" });
    response.end(JSON.stringify(answer));
  });
}).listen(Number(PORT), "127.0.0.1");
