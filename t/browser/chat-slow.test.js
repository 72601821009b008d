// @ts-check
/** The chat on a slow server: reload, restart and loss of the network. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { CHAT, line, lines, say, text } from "./chat.js";
import { becomes, connected, tutorial } from "./lib.js";

const SKIP = process.env.BASE_URL ? "needs a server of its own" : false;

describe("a slow server", { skip: SKIP }, () => {
  const site = tutorial({ change: (conf) => conf.replace(/fail\s+50%;/g, "") });

  test("the yellow line becomes the plain one: the same element, never two", async () => {
    const alice = await site.open(CHAT, "alice");
    const words = text("same");

    await alice.locator("[data-flaky]").check();
    await say(alice, words);
    await becomes(() => lines(alice, words), [[words, "pending"]]);
    assert.equal(await line(alice, words).getAttribute("aria-busy"), "true");

    // From now on every change of the list is checked.
    await alice.evaluate((wanted) => {
      const list = /** @type {HTMLElement} */ (
        document.querySelector("[data-messages]")
      );
      const found = () =>
        [...list.children].filter((item) => item.textContent?.includes(wanted));
      const [element] = found();

      Object.assign(window, { faults: 0 });
      new MutationObserver(() => {
        const now = found();

        if (now.length !== 1 || now[0] !== element) {
          Object.assign(window, { faults: 1 });
        }
      }).observe(list, { childList: true });
    }, words);

    await becomes(() => lines(alice, words), [[words, "accepted"]]);
    assert.equal(await alice.evaluate("window.faults"), 0);
  });

  test("a reload in the middle: the message ends once in the log", async () => {
    const [alice, bob] = await Promise.all([
      site.open(CHAT, "alice"),
      site.open(CHAT, "bob"),
    ]);
    const words = text("reloaded");

    await alice.locator("[data-flaky]").check();
    await say(alice, words);
    await becomes(() => lines(alice, words), [[words, "pending"]]);
    await alice.reload();
    await connected(alice);
    await becomes(() => lines(alice, words), [[words, "accepted"]]);
    await becomes(() => lines(bob, words), [[words, "accepted"]]);

    const next = text("after it");

    await say(bob, next);
    await becomes(() => lines(alice, next), [[next, "accepted"]]);
    assert.equal((await lines(alice, words)).length, 1);
    assert.equal((await lines(bob, words)).length, 1);
  });

  test("the server goes away in the middle: said, and sent once", async () => {
    const [alice, bob] = await Promise.all([
      site.open(CHAT, "alice"),
      site.open(CHAT, "bob"),
    ]);
    const before = text("before");
    const meanwhile = text("meanwhile");

    site.tolerate = /WebSocket connection/;
    await alice.locator("[data-flaky]").check();
    await say(alice, before);
    await becomes(() => lines(alice, before), [[before, "pending"]]);
    await site.nginx?.pause();

    await alice.locator('[data-connection][data-status="waiting"]').waitFor();
    await say(alice, meanwhile);
    await becomes(() => lines(alice, meanwhile), [[meanwhile, "pending"]]);
    await site.nginx?.resume();

    for (const page of [alice, bob]) {
      await becomes(() => lines(page, before), [[before, "accepted"]]);
      await becomes(() => lines(page, meanwhile), [[meanwhile, "accepted"]]);
    }
  });

  test("nginx is reloaded in the middle: nobody notices", async () => {
    const [alice, bob] = await Promise.all([
      site.open(CHAT, "alice"),
      site.open(CHAT, "bob"),
    ]);
    const words = text("reloaded server");
    const next = text("new workers");

    // The connection that the reload ends, and the one after it.
    const again = Promise.all(
      [alice, bob].map((page) => page.waitForEvent("websocket")),
    );

    await alice.locator("[data-flaky]").check();
    await say(alice, words);
    await becomes(() => lines(alice, words), [[words, "pending"]]);
    site.nginx?.reload();
    await again;
    await say(bob, next);

    for (const page of [alice, bob]) {
      await becomes(() => lines(page, words), [[words, "accepted"]]);
      await becomes(() => lines(page, next), [[next, "accepted"]]);
      await connected(page);
    }
  });

  test("without a network messages wait, and leave when it is back", async () => {
    const [alice, bob] = await Promise.all([
      site.open(CHAT, "alice"),
      site.open(CHAT, "bob"),
    ]);
    const words = text("from the tunnel");

    site.tolerate = /WebSocket connection|ERR_INTERNET_DISCONNECTED/;
    await alice.context().setOffline(true);
    await alice.locator('[data-connection][data-status="offline"]').waitFor();
    await say(alice, words);
    await becomes(() => lines(alice, words), [[words, "pending"]]);
    await alice.context().setOffline(false);
    await becomes(() => lines(bob, words), [[words, "accepted"]]);
    await becomes(() => lines(alice, words), [[words, "accepted"]]);
  });
});
