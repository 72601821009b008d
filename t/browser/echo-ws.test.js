// @ts-check
/**
 * The npm package ws against token_echo, with every kind of permessage-deflate
 * that it can offer.
 */

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";

import WebSocket from "ws";

import { RECORDS, SIZES, withEcho } from "./echo.js";
import { ROOT } from "./lib.js";
import { startNginx } from "./nginx.js";

/** @param {number} size */
const text = (size) => RECORDS.repeat(1 + size / RECORDS.length).slice(0, size);

/** @typedef {import("ws").ClientOptions["perMessageDeflate"]} Offer */

/** @type {[string, Offer][]} */
const OFFERS = [
  ["nothing", false],
  ["the default", true],
  ["no context of the server's", { serverNoContextTakeover: true }],
  ["no context of the client's", { clientNoContextTakeover: true }],
  [
    "no context at all",
    { serverNoContextTakeover: true, clientNoContextTakeover: true },
  ],
  ...[8, 9, 10, 11, 12, 13, 14, 15].flatMap((bits) =>
    /** @type {[string, Offer][]} */ ([
      [`a server's window of ${bits}`, { serverMaxWindowBits: bits }],
      [`a client's window of ${bits}`, { clientMaxWindowBits: bits }],
      [
        `both windows of ${bits}`,
        {
          clientMaxWindowBits: bits,
          serverMaxWindowBits: bits,
          serverNoContextTakeover: true,
          clientNoContextTakeover: true,
        },
      ],
    ]),
  ),
];

describe("the npm package ws", () => {
  /** @type {Awaited<ReturnType<typeof startNginx>>} */
  let nginx;

  before(async () => {
    nginx = await startNginx({ root: ROOT, change: withEcho });
  });

  after(() => nginx?.stop());

  /**
   * @param {Offer} offer
   * @param {string} [path]
   */
  async function open(offer, path = "/deflated") {
    const perMessageDeflate =
      typeof offer === "object" ? { threshold: 0, ...offer } : offer;
    const socket = new WebSocket(nginx.base.replace(/^http/, "ws") + path, {
      perMessageDeflate,
    });

    await once(socket, "open");
    return socket;
  }

  for (const [name, offer] of OFFERS) {
    test(`offers ${name}`, async () => {
      const socket = await open(offer);
      const bits =
        typeof offer === "object" ? (offer?.serverMaxWindowBits ?? 15) : 15;

      // A window smaller than ours, 12, is declined.
      assert.equal(
        socket.extensions,
        offer && bits >= 12 ? "permessage-deflate" : "",
      );

      for (const size of SIZES) {
        for (const data of [text(size), randomBytes(size)]) {
          socket.send(data);
          await comes(socket, data);
        }
      }
      await closes(socket);
    });
  }

  test("gets nothing that is not offered, or not configured", async () => {
    for (const socket of [await open(false), await open(true, "/plain")]) {
      assert.equal(socket.extensions, "");
      socket.send("plain");
      await comes(socket, "plain");
      await closes(socket);
    }
  });

  test("sends many messages at once", async () => {
    for (const offer of [false, true]) {
      const socket = await open(offer);
      const all = Array.from({ length: 1000 }, (_, n) => text((n * 37) % 3000));

      all.forEach((data) => socket.send(data));
      await comes(socket, ...all);
      await closes(socket);
    }
  });

  test("sends fragments, compressed or not, and pings between them", async () => {
    for (const compress of [false, true]) {
      const socket = await open({ threshold: 0 });
      const parts = Array.from({ length: 50 }, (_, n) => text(n * 100));
      const pong = once(socket, "pong");

      parts.forEach((part, n) => {
        socket.send(part, { compress, fin: n === parts.length - 1 });
        n === 20 && socket.ping("between");
      });
      await comes(socket, parts.join(""));
      assert.equal(String((await pong)[0]), "between");
      await closes(socket);
    }
  });

  test("sends 16 MiB", async () => {
    for (const [offer, data] of /** @type {[Offer, string | Buffer][]} */ ([
      [false, randomBytes(2 ** 24)],
      [true, text(2 ** 24)],
    ])) {
      const socket = await open(offer);

      socket.send(data);
      await comes(socket, data);
      await closes(socket);
    }
  });

  test("closes with the code and reason that it likes", async () => {
    for (const code of [1000, 1001, 1011, 3000, 4999]) {
      await closes(await open(true), code);
    }
  });

  test("is told what was wrong", async () => {
    for (const [data, code] of /** @type {const} */ ([
      [Buffer.from([0xff]), 1007],
      ["x".repeat(2 ** 24 + 1), 1009],
    ])) {
      const socket = await open(true);
      const end = once(socket, "close");

      socket.send(data, { binary: false });
      assert.equal((await end)[0], code);
    }
  });
});

/**
 * Waits until these messages have come, in this order.
 *
 * @param {WebSocket} socket
 * @param {...(string | Buffer)} expected
 */
async function comes(socket, ...expected) {
  for (const data of expected) {
    const [got, binary] = await message(socket);

    assert.equal(binary, typeof data !== "string");
    assert.ok(Buffer.from(data).equals(got), `${data.length} bytes`);
  }
}

/** @type {WeakMap<WebSocket, {queue: any[][], wake: () => void}>} */
const inboxes = new WeakMap();

/**
 * The next message: data, and whether it is binary.
 *
 * @param {WebSocket} socket
 */
async function message(socket) {
  let inbox = inboxes.get(socket);

  if (!inbox) {
    /** @type {{queue: any[][], wake: () => void}} */
    const made = { queue: [], wake: () => {} };

    inboxes.set(socket, (inbox = made));
    socket.on("message", (...args) => {
      made.queue.push(args);
      made.wake();
    });
    socket.on("close", () => made.wake());
  }

  while (!inbox.queue.length) {
    assert.equal(socket.readyState, WebSocket.OPEN, "it is closed");
    await new Promise((wake) => {
      /** @type {any} */ (inbox).wake = wake;
    });
  }
  return /** @type {any[]} */ (inbox.queue.shift());
}

/**
 * @param {WebSocket} socket
 * @param {number} [code]
 */
async function closes(socket, code = 1000) {
  const end = once(socket, "close");

  socket.close(code, "bye");
  assert.equal((await end)[0], code);
}
