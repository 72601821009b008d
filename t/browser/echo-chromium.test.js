// @ts-check
/** Chromium's WebSocket against token_echo. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { RECORDS, SIZES, withEcho } from "./echo.js";
import { tutorial } from "./lib.js";

describe("Chromium", () => {
  const site = tutorial({ change: withEcho });

  /** @param {string} path */
  async function inPage(path) {
    const page = await (await site.context()).newPage();

    await page.goto("/");
    return page.evaluate(echoes, { path, sizes: SIZES, records: RECORDS });
  }

  test("compresses, and gets back what it sent", async () => {
    assert.deepEqual(await inPage("/deflated"), {
      extensions:
        "permessage-deflate; server_no_context_takeover; " +
        "client_no_context_takeover",
      wrong: [],
      end: [4321, "", true],
    });
  });

  test("or does not compress", async () => {
    assert.deepEqual(await inPage("/plain"), {
      extensions: "",
      wrong: [],
      end: [4321, "", true],
    });
  });
});

/**
 * Runs in the page: what came back otherwise than it was sent.
 *
 * @param {{path: string, sizes: number[], records: string}} what
 */
async function echoes({ path, sizes, records }) {
  const socket = new WebSocket(location.origin.replace(/^http/, "ws") + path);
  /** @type {string[]} */
  const wrong = [];

  /** @param {string} type */
  const next = (type) =>
    /** @type {Promise<any>} */ (
      new Promise((resolve, reject) => {
        socket.addEventListener(type, resolve, { once: true });
        socket.addEventListener("error", reject, { once: true });
      })
    );

  socket.binaryType = "arraybuffer";
  await next("open");

  for (const size of sizes) {
    const data = records.repeat(1 + size / records.length).slice(0, size);
    const bytes = new Uint8Array(size).map((_, n) => (n * n) % 251);

    socket.send(data);
    (await next("message")).data === data || wrong.push(`text of ${size}`);

    socket.send(bytes);
    const back = new Uint8Array((await next("message")).data);
    const same =
      back.length === size && back.every((byte, n) => byte === bytes[n]);

    same || wrong.push(`binary of ${size}`);
  }

  socket.close(4321, "bye");
  const { code, reason, wasClean } = await next("close");

  return { extensions: socket.extensions, wrong, end: [code, reason, wasClean] };
}
