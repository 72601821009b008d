// @ts-check
/** All or nothing: two accounts, two browsers. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { becomes, faults, tutorial } from "./lib.js";

/** @typedef {import("playwright-core").Page} Page */

/** axe looks at colours that stand still. */
const STILL = /** @type {const} */ ({ reducedMotion: "reduce" });

/** @param {Page} page */
async function amounts(page) {
  const texts = await page
    .locator("[data-account] [data-amount]")
    .allInnerTexts();

  return texts.map((text) => (Number.isNaN(Number(text)) ? text : Number(text)));
}

/** @param {Page} page */
function states(page) {
  return page
    .locator("[data-account]")
    .evaluateAll((rows) =>
      rows.map((row) => /** @type {HTMLElement} */ (row).dataset.state),
    );
}

/**
 * @param {Page} page
 * @param {string} way
 * @param {number} amount
 */
async function send(page, way, amount) {
  await page.locator("[name=amount]").fill(String(amount));
  await page.getByRole("button", { name: way }).click();
}

describe("all or nothing", () => {
  const site = tutorial();

  test("both accounts move at once, in both browsers, and the sum stays", async () => {
    const [one, other] = await Promise.all([
      site.open("/transfer.html", null, STILL),
      site.open("/transfer.html", null, STILL),
    ]);

    await becomes(() => amounts(one), [100, 100, 100, '"closed"']);

    await send(one, "left → right", 10);
    await becomes(() => amounts(other), [90, 110, 100, '"closed"']);
    await send(one, "right → left", 25);
    await becomes(() => amounts(other), [115, 85, 100, '"closed"']);
    await becomes(() => amounts(one), [115, 85, 100, '"closed"']);
    await becomes(() => other.locator("[data-sum]").innerText(), "300");

    await one.locator("[name=fee]").check();
    await send(one, "left → right", 15);
    await becomes(() => amounts(other), [99, 100, 101, '"closed"']);
    assert.match(
      await one.locator("[data-trace]").innerText(),
      /^transfer\n├─ amount\n│ {2}├─ .*left.*-15.*\n│ {2}└─ .*right.*15.*\n└─ fee\n/,
    );
    assert.match(await one.locator("[data-diff]").innerText(), /^\+ └─ fee$/m);
  });

  test("what one place refuses, none of them does, and all of them say so", async () => {
    const [one, other] = await Promise.all([
      site.open("/transfer.html", null, STILL),
      site.open("/transfer.html", null, STILL),
    ]);

    await becomes(async () => (await amounts(one)).includes("…"), false);

    const before = await amounts(one);

    await send(one, "left → closed", 5);
    await becomes(() => states(one), ["failed", "idle", "idle", "failed"]);
    assert.match(
      await one.locator("[data-verdict]").innerText(),
      /^rejected: .*not_number/,
    );
    assert.deepEqual(await amounts(one), before);
    assert.deepEqual(await faults(one), []);
    assert.ok(
      await one
        .getByRole("button", { name: "left → closed" })
        .evaluate((button) => button === document.activeElement),
      "focus is kept",
    );

    // The next one is the retry, and others have seen nothing in between.
    await send(one, "left → right", 5);
    await becomes(() => states(one), ["idle", "idle", "idle", "failed"]);
    await becomes(
      () => amounts(other),
      before.map((each, i) =>
        typeof each === "number" ? each + [-5, 5, 0][i] : each,
      ),
    );
  });
});
