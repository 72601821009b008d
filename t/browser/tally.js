// @ts-check
/** What the tests share of the page Break it: reading its tally. */

import assert from "node:assert/strict";

import { becomes } from "./lib.js";

/** @typedef {import("playwright-core").Page} Page */

/** @param {Page} page */
export async function tally(page) {
  const counts = await page
    .locator("[data-count]")
    .evaluateAll((places) =>
      places.map((place) => [
        place.getAttribute("data-count"),
        Number(place.textContent),
      ]),
    );

  return Object.fromEntries(counts);
}

/**
 * @param {Page} page
 * @param {number} asked
 */
export async function settled(page, asked) {
  await becomes(() => tally(page), {
    asked,
    answered: asked,
    logged: asked,
    open: 0,
    failed: 0,
    doubled: 0,
    lost: 0,
  });
  assert.match(
    await page.locator("[data-summary]").innerText(),
    /exactly once/,
  );
}
