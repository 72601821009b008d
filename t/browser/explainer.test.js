// @ts-check
/** The explainer and the start page: one token, two browsers. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { becomes, connected, faults, tutorial } from "./lib.js";

/** @typedef {import("playwright-core").Page} Page */

/** Presses after which a failure of one in two must have been seen. */
const BOUND = 40;

const shown = (/** @type {Page} */ page) =>
  page.locator("[data-lamp] output").innerText();
const button = (/** @type {Page} */ page) => page.locator("[data-toggle]");
const state = (/** @type {Page} */ page) =>
  page.locator("[data-machine]").getAttribute("data-state");

/** @param {Page} page */
async function known(page) {
  await page
    .locator('[data-lamp]:is([data-value="true"], [data-value="false"])')
    .waitFor();
  return shown(page);
}

/** @param {string} value */
function other(value) {
  return value === "on" ? "off" : "on";
}

/**
 * Presses until the token has come to the wanted state.
 *
 * @param {Page} page
 * @param {"idle" | "failed"} wanted
 */
async function pressUntil(page, wanted) {
  for (let tries = 0; tries < BOUND; tries++) {
    const spent = Number(await page.locator("[data-spent]").innerText());

    await button(page).click();
    await becomes(
      async () => Number(await page.locator("[data-spent]").innerText()),
      spent + 1,
    );

    if ((await state(page)) === wanted) {
      return;
    }
  }

  assert.fail(`never ${wanted} in ${BOUND} attempts`);
}

describe("one token", () => {
  const site = tutorial();

  test("what one browser toggles, the other sees", async () => {
    const [left, right] = await Promise.all([
      site.open("/explainer.html"),
      site.open("/index.html"),
    ]);
    const first = await known(left);

    await becomes(() => shown(right), first);
    await button(left).click();
    await becomes(() => shown(right), other(first));
    await becomes(() => shown(left), other(first));

    await button(right).click();
    await becomes(() => shown(left), first);
    await becomes(() => button(right).getAttribute("aria-busy"), "false");
  });

  test("a busy button is yellow, disabled and named so; then it comes back", async () => {
    const page = await site.open("/explainer.html");
    const first = await known(page);

    // busy lasts for less than a second: who only looks now and then misses it
    const log = await page.evaluateHandle(() => {
      /** @type {string[]} */
      const lines = [];
      const toggle = document.querySelector("[data-toggle]");
      const said = document.querySelector("[token-said]");
      const machine = document.querySelector("[data-machine]");
      new MutationObserver(() => {
        lines.push(`${machine?.getAttribute("data-state")}: busy=${toggle?.getAttribute("aria-busy")} disabled=${
          toggle?.matches(":disabled")} said=${said?.textContent}`);
      }).observe(document.body,
        { subtree: true, childList: true, characterData: true, attributes: true });
      return lines;
    });

    await button(page).focus();
    await page.keyboard.press("Enter");
    await becomes(async () => {
      const lines = await log.jsonValue();
      return lines.some((l) => l.startsWith("busy: busy=true disabled=true"))
        && lines.at(-1)?.startsWith("idle: busy=false disabled=false");
    }, true);
    const lines = await log.jsonValue();
    assert.ok(lines.some((l) => l.includes("busy=true")
      && l.includes("said=On its way")), lines.join("\n"));
    assert.equal(await page.locator("[token-said]").textContent(), "");
    assert.equal(
      await shown(page),
      other(first),
      "the change comes before the answer",
    );
    assert.ok(
      await button(page).evaluate((b) => b === document.activeElement),
      "focus is kept",
    );
  });

  test("a failure is shown beside the button, and the next press is the retry", async () => {
    const page = await site.open("/explainer.html");

    await known(page);
    await page.locator("[data-slow]").uncheck();
    await page.locator("[data-flaky]").check();
    await pressUntil(page, "failed");

    const before = await shown(page);

    assert.equal(await button(page).getAttribute("aria-invalid"), "true");
    assert.equal(await button(page).innerText(), "Retry");
    assert.ok(await button(page).isEnabled());
    assert.notEqual(await page.locator("[data-error]").innerText(), "");

    assert.deepEqual(await faults(page), []);

    await pressUntil(page, "idle");
    assert.equal(
      await shown(page),
      other(before),
      "failed attempts have no effect",
    );
    assert.equal(await button(page).getAttribute("aria-invalid"), "false");
    assert.equal(await page.locator("[data-error]").innerText(), "");
  });

  test("without backpressure the token itself drops the events", async () => {
    const page = await site.open("/explainer.html");
    const first = await known(page);

    await page.locator("[data-pressure]").uncheck();
    // In one task: no answer can come between the presses.
    await button(page).evaluate((b) => {
      for (let i = 0; i < 5; i++) /** @type {HTMLElement} */ (b).click();
    });
    assert.equal(await page.locator("[data-discarded]").innerText(), "4");
    await becomes(() => state(page), "idle");
    assert.equal(await page.locator("[data-spent]").innerText(), "1");
    assert.equal(await shown(page), other(first));
  });

  test("a reload in the middle: the effect is there once", async () => {
    const [page, witness] = await Promise.all([
      site.open("/explainer.html"),
      site.open("/explainer.html"),
    ]);
    const first = await known(page);

    await known(witness);
    await button(page).click();
    await page.locator('[data-wire] li:has-text("service")').waitFor();
    await page.reload();
    await connected(page);
    await becomes(() => shown(witness), other(first));
    await becomes(() => button(page).getAttribute("aria-busy"), "false");
    await becomes(() => shown(page), other(first));

    // A second effect would need no more than the service's delay.
    await button(page).click();
    await becomes(() => shown(witness), first);
  });
});
