// @ts-check
/** What a page is about, by keyboard alone: no test here has a mouse. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { becomes, tutorial } from "./lib.js";
import { settled, tally } from "./tally.js";

/** @typedef {import("playwright-core").Page} Page */

/** Stops that no page has. */
const MANY = 80;

/**
 * Tab, or Shift+Tab, until the focus is there.
 *
 * @param {Page} page
 * @param {string} selector
 * @param {"Tab" | "Shift+Tab"} [key]
 */
async function go(page, selector, key = "Tab") {
  for (let i = 0; i < MANY; i++) {
    await page.keyboard.press(key);

    if (await isAt(page, selector)) {
      return;
    }
  }

  assert.fail(`${key} does not lead to ${selector}`);
}

/**
 * @param {Page} page
 * @param {string} selector
 */
function isAt(page, selector) {
  return page.evaluate(
    (at) => document.activeElement?.matches(at) ?? false,
    selector,
  );
}

/**
 * @param {Page} page
 * @param {string} selector
 */
function text(page, selector) {
  return page.locator(selector).innerText();
}

describe("by keyboard alone", () => {
  const site = tutorial();

  test("transfer: an amount, the fee, there and back", async () => {
    const page = await site.open("/transfer.html");
    const amounts = async () =>
      (await page.locator("[data-amount]").allInnerTexts()).slice(0, 3);
    const verdict = page.locator("[data-verdict]");

    await becomes(amounts, ["100", "100", "100"]);
    await go(page, "[name=amount]");
    await page.keyboard.press("ArrowUp");
    await go(page, "[name=fee]");
    await page.keyboard.press("Space");
    await go(page, '[value="left right"]');
    await page.keyboard.press("Enter");
    await becomes(amounts, ["88", "111", "101"]);

    // The first button is what Enter in a field presses.
    await go(page, "[name=amount]", "Shift+Tab");
    await page.keyboard.press("Enter");
    await becomes(amounts, ["76", "122", "102"]);

    await go(page, '[value="left closed"]');
    await page.keyboard.press("Space");
    await becomes(() => verdict.getAttribute("data-state"), "rejected");
    assert.ok(await isAt(page, '[value="left closed"]'), "the focus stays");
    assert.deepEqual(await amounts(), ["76", "122", "102"]);
  });

  test("upvote: two in turn, and one that is too early", async () => {
    const page = await site.open("/upvote.html");
    const votes = (/** @type {string} */ item) =>
      page.locator(`[data-item="${item}"] output`).innerText();
    const stamp = () => page.locator("[data-stamp]").getAttribute("data-state");

    await becomes(() => votes("ferry"), "0");
    await go(page, '[value="ferry"]');
    await page.keyboard.press("Enter");
    await becomes(stamp, "busy");
    await go(page, '[value="bench"]');
    await page.keyboard.press("Enter");
    await becomes(() => text(page, "[data-discarded]"), "1");
    await becomes(() => votes("ferry"), "1");
    await becomes(stamp, "spent");

    await page.keyboard.press("Space");
    await becomes(() => votes("bench"), "1");
    await becomes(() => text(page, "[data-stamp-item]"), "A bench at the north pier");
    assert.equal(await votes("ferry"), "1");

    await go(page, "[data-slow]");
    await page.keyboard.press("Space");
    await go(page, '[value="lamp"]', "Shift+Tab");
    await page.keyboard.press("Enter");
    await becomes(() => votes("lamp"), "1");
  });

  test("concurrent: five at once, and those that are lost again", async () => {
    const page = await site.open("/concurrent.html");
    const up = () => text(page, "[data-up]");
    const delivered = async () =>
      (await page.locator("[data-delivered] li").allInnerTexts()).sort();

    await go(page, '[data-desk] [value="5"]');
    await page.keyboard.press("Enter");
    await becomes(up, "0");

    // One is dealt with at a time; the focus is at the desk after it.
    for (let i = 0; i < MANY && (await delivered()).length < 5; i++) {
      const retry = page.getByRole("button", { name: /^Retry/ });

      await becomes(
        async () =>
          (await retry.count()) > 0 || (await delivered()).length === 5,
        true,
      );

      if ((await retry.count()) > 0) {
        await go(page, "[data-rest] .remedy button");
        await page.keyboard.press("Enter");
        assert.ok(await isAt(page, "[data-desk] button"));
      }
    }

    assert.deepEqual(await delivered(), ["1", "2", "3", "4", "5"]);
  });

  test("break: the cable is pulled under twenty, and plugged in", async () => {
    const page = await site.open("/break.html");

    await go(page, "[data-send]");
    await page.keyboard.press("Enter");
    await becomes(async () => (await tally(page)).open > 0, true);
    await go(page, "[data-pull]");
    await page.keyboard.press("Space");
    await page.locator('[data-connection][data-status="offline"]').waitFor();
    assert.ok((await tally(page)).open > 0, "they wait");
    await page.keyboard.press("Space");
    await settled(page, 20);

    await go(page, "[name=server]", "Shift+Tab");
    assert.equal(await page.locator(":focus").getAttribute("value"), "slow");
    await page.keyboard.press("ArrowUp");
    assert.ok(await page.locator('[value="fast"]').isChecked());
    await go(page, "[data-send]", "Shift+Tab");
    await page.keyboard.press("Enter");
    await settled(page, 40);
    await go(page, "[data-clear]");
    await page.keyboard.press("Enter");
    await becomes(async () => (await tally(page)).asked, 0);
  });

  test("inside: a token is followed to the end, and twenty race", async () => {
    const page = await site.open("/inside.html");

    await page.locator("[data-follow]:enabled").waitFor();
    await go(page, "[data-follow]");
    await page.keyboard.press("Enter");
    await page.locator('[data-about="3"].lit').waitFor();
    await page.locator("[data-truth]", { hasText: "In truth" }).waitFor();
    await becomes(() => isAt(page, "[data-follow]"), true, "the focus is back");

    await go(page, "[data-race]");
    await page.keyboard.press("Space");
    await page.locator("[data-verdict]:not(:empty)").waitFor();
    await becomes(() => isAt(page, "[data-race]"), true, "the focus is back");
  });
});
