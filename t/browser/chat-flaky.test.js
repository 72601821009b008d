// @ts-check
/** The chat on an unreliable server: Retry and Discard. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { CHAT, line, lines, say, text } from "./chat.js";
import { becomes, connected, faults, tutorial } from "./lib.js";

/** @typedef {import("playwright-core").Page} Page */

/** Attempts in which a chance of one in two must have come both ways. */
const BOUND = 40;

describe("an unreliable server", () => {
  const site = tutorial({
    change: (conf) => conf.replace(/delay\s+1s;/g, "delay 30ms;"),
  });

  /**
   * Says one thing after the other until one is refused.
   *
   * @param {Page} page
   */
  async function untilFailed(page) {
    await page.locator("[data-flaky]").check();

    for (let tries = 0; tries < BOUND; tries++) {
      const words = text("chance");

      await say(page, words);
      await settled(page, words);

      if ((await lines(page, words))[0][1] === "failed") {
        return words;
      }
    }

    assert.fail(`nothing has failed in ${BOUND} attempts`);
  }

  /**
   * @param {Page} page
   * @param {string} words
   */
  function settled(page, words) {
    return becomes(
      async () =>
        (await lines(page, words)).some(([, state]) => state !== "pending"),
      true,
    );
  }

  test("a failed message can be sent again, until it is there, once", async () => {
    const [alice, bob] = await Promise.all([
      site.open(CHAT, "alice"),
      site.open(CHAT, "bob"),
    ]);
    const words = await untilFailed(alice);

    assert.deepEqual(
      await lines(bob, words),
      [],
      "others see only what is true",
    );

    for (let tries = 0; tries < BOUND; tries++) {
      if ((await lines(alice, words))[0][1] === "accepted") {
        break;
      }

      await line(alice, words).getByRole("button", { name: "Retry" }).click();
      await settled(alice, words);
    }

    await becomes(() => lines(alice, words), [[words, "accepted"]]);
    await becomes(() => lines(bob, words), [[words, "accepted"]]);
    assert.equal(await line(alice, words).getByRole("button").count(), 0);
  });

  test("a failed message can be discarded, for good", async () => {
    const [alice, bob] = await Promise.all([
      site.open(CHAT, "alice"),
      site.open(CHAT, "bob"),
    ]);
    const words = await untilFailed(alice);

    await line(alice, words).getByRole("button", { name: "Discard" }).click();
    await becomes(() => lines(alice, words), []);
    await alice.reload();
    await connected(alice);

    const next = text("after it");

    await say(alice, next);
    await becomes(() => lines(bob, next), [[next, "accepted"]]);
    assert.deepEqual(await lines(alice, words), []);
    assert.deepEqual(await lines(bob, words), []);
  });

  test("a failed message is still there after a reload", async () => {
    const alice = await site.open(CHAT, "alice");
    const words = await untilFailed(alice);

    await alice.reload();
    await becomes(() => lines(alice, words), [[words, "failed"]]);
    assert.deepEqual(await faults(alice), []);
    await line(alice, words).getByRole("button", { name: "Discard" }).click();
    await becomes(() => lines(alice, words), []);
  });
});
