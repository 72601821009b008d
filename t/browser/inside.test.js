// @ts-check
/** Inside nginx: the numbers are real, and the token goes all the way. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { becomes, faults, tutorial } from "./lib.js";

/** @typedef {import("playwright-core").Page} Page */

/** axe looks at colours that stand still. */
const STILL = /** @type {const} */ ({ reducedMotion: "reduce" });

const number = (/** @type {Page} */ page, /** @type {string} */ name) =>
  page.locator(`[data-live="${name}"]`).innerText();

describe("inside nginx", () => {
  const site = tutorial();

  test("the numbers come from the server, and follow what others do", async () => {
    const [page, other] = await Promise.all([
      site.open("/inside.html", null, STILL),
      site.open("/inside.html", null, STILL),
    ]);

    await becomes(async () => /^\d+$/.test(await number(page, "seq")), true);
    assert.match(await number(page, "session"), /^[0-9a-f]+$/);
    assert.notEqual(
      await number(page, "session"),
      await number(other, "session"),
    );
    assert.equal(await number(page, "ledger"), "7 days");

    const before = Number(await number(page, "seq"));

    await other.locator("[data-race]").click();
    await other.locator("[data-verdict]:not(:empty)").waitFor();
    await becomes(
      async () => Number(await number(page, "seq")) >= before + 40,
      true,
    );
    assert.match(await number(other, "latency"), /ms$/);
    assert.deepEqual(
      await other
        .locator("[data-time]")
        .evaluateAll((times) =>
          times.map((time) => /^[\d.]+ ms$/.test(time.textContent ?? "")),
        ),
      [true, true],
    );
  });

  test("a token walks through all rooms, and one vote is there after it", async () => {
    const [page, other] = await Promise.all([
      site.open("/inside.html", null, STILL),
      site.open("/inside.html", null, STILL),
    ]);

    await page.evaluate(() => {
      const rooms = /** @type {string[]} */ ([]);

      Object.assign(window, { rooms });
      new MutationObserver((changes) => {
        for (const { target } of changes) {
          const { classList, dataset } = /** @type {HTMLElement} */ (target);

          if (classList.contains("lit") && dataset.about) {
            rooms.push(dataset.about);
          }
        }
      }).observe(
        /** @type {Element} */ (document.querySelector(".tour")),
        { attributes: true, attributeFilter: ["class"], subtree: true },
      );
    });
    await page.locator("[data-follow]").click();
    await page.locator('[data-about="6"].lit').waitFor();
    assert.deepEqual(await faults(page), []);
    await page.locator("[data-truth]", { hasText: "In truth" }).waitFor();
    assert.deepEqual(
      await page.evaluate("window.rooms"),
      ["1", "2", "3", "4", "5", "6", "7", "8"],
    );

    await other.locator('[data-about="3"]').hover();
    await other.locator('[data-room="3"].lit').waitFor();
  });
});
