// @ts-check
/** The drawings of an errand show what happens, as it does. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { becomes, faults, tutorial } from "./lib.js";

/** @typedef {import("playwright-core").Page} Page */

/** axe looks at colours that stand still. */
const STILL = /** @type {const} */ ({ reducedMotion: "reduce" });

/** @param {Page} page */
function is(page, /** @type {string} */ state) {
  return page.locator(`[data-errand][data-state="${state}"]`).waitFor();
}

/** @param {Page} page */
function number(page) {
  return page.locator("[data-errand] [data-number]").textContent();
}

describe("a drawing", () => {
  const site = tutorial({
    change: (conf) => conf.replaceAll("fail 50%;", "fail 100%;"),
  });

  test("journal: a line goes, stands there under its number, or comes back", async () => {
    const page = await site.open("/journal.html", null, STILL);
    const write = page.locator("[data-write]");

    await is(page, "idle");
    await write.click();
    await is(page, "busy");
    await is(page, "ok");
    await becomes(
      () => number(page),
      `no. ${await page.locator("[data-journal] .number").last().innerText()}`,
    );

    await page.locator("#text").fill("once more");
    await page.locator("[data-flaky]").check();
    await write.click();
    await is(page, "failed");
    assert.deepEqual(await faults(page), []);
  });

  test("upvote: the stamp goes with the token, and stays when it is spent", async () => {
    const page = await site.open("/upvote.html", null, STILL);
    const press = (/** @type {string} */ item) =>
      page.locator(`[data-ballot] [value="${item}"]`).click({ force: true });
    const lit = () => page.locator("[data-pick].lit").count();

    await is(page, "idle");
    assert.equal(await lit(), 0);
    await press("library");
    await press("ferry");
    await page.locator('[data-pick="ferry"].dropped').waitFor();
    await is(page, "ok");
    assert.equal(
      await page.locator("[data-errand] [data-on-it]").textContent(),
      "library",
    );
    assert.ok(await page.locator('[data-pick="library"].lit').isVisible());
    await becomes(() => page.locator("[data-pick].dropped").count(), 0);
  });

  test("chat: a line is yours, then everybody's, or yours alone", async () => {
    const page = await site.open("/chat.html", "alice", STILL);
    const say = async (/** @type {string} */ text) => {
      await page.locator("#text").fill(text);
      await page.locator("#text").press("Enter");
    };

    await is(page, "idle");
    await say("Good morning");
    await is(page, "ok");
    assert.match((await number(page)) ?? "", /^no\. \d+$/);

    await page.locator("[data-flaky]").check();
    await say("Good night");
    await is(page, "busy");
    await is(page, "failed");
    await page.getByRole("button", { name: "Discard" }).click();
    await is(page, "ok");
  });
});
