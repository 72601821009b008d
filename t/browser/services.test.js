// @ts-check
/** What a service can be: declarative HTML, and three kinds of services. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { becomes, faults, tutorial } from "./lib.js";

/** @typedef {import("playwright-core").Page} Page */

/** axe looks at colours that stand still. */
const STILL = /** @type {const} */ ({ reducedMotion: "reduce" });

const service = (/** @type {Page} */ page, /** @type {string} */ name) =>
  page.locator(`[token-service="${name}"]`);
const value = (/** @type {Page} */ page) =>
  page.locator('[token-atom="switch"]').innerText();
const orders = (/** @type {Page} */ page) =>
  page.locator("[token-log] li span[token-field]").allInnerTexts();

/** @param {Page} page */
async function answer(page) {
  const text = await page.locator("[data-answer]").innerText();
  const [, name, json] = /^\/\/ (\w+)\n([^]*)$/.exec(text) ?? [];

  return { name, ...JSON.parse(json ?? "{}") };
}

/** @param {string} text */
function other(text) {
  return text === "on" ? "off" : "on";
}

describe("three kinds of services", () => {
  const site = tutorial();

  test("an effect and work change the switch, and the fast does not wait for the slow", async () => {
    const [one, two] = await Promise.all([
      site.open("/services.html", null, STILL),
      site.open("/services.html", null, STILL),
    ]);

    await becomes(
      async () => ["on", "off"].includes(await value(one)),
      true,
    );

    const first = await value(one);

    await service(one, "toggle_slow").click();
    await becomes(() => service(one, "toggle_slow").innerText(), "Working …");
    assert.ok(await service(one, "toggle_slow").isDisabled());
    await one.locator('.wide [data-lane="work"].lit').waitFor();
    await service(one, "toggle").click();
    await becomes(() => value(two), other(first));
    assert.equal(
      await service(one, "toggle_slow").getAttribute("aria-busy"),
      "true",
      "the slow one is still under way",
    );
    await becomes(() => value(two), first);
    await becomes(
      () => service(one, "toggle_slow").innerText(),
      "Toggle, slowly",
    );
  });

  test("a backend says yes: its result comes back, and the order is in the log, once", async () => {
    const [one, two] = await Promise.all([
      site.open("/services.html", null, STILL),
      site.open("/services.html", null, STILL),
    ]);

    await one.locator("[token-none]:not([hidden])").waitFor();
    await service(one, "purchase").click();
    await becomes(async () => (await answer(one)).outcome, "ok");

    const { name, result } = await answer(one);

    assert.equal(name, "purchase");
    assert.match(result.order, /^[0-9a-f]{32}$/);
    await becomes(() => orders(one), ["lamp"]);
    await becomes(() => orders(two), ["lamp"]);
    assert.deepEqual(await faults(one), []);
  });

  test("a backend says no, or nothing sensible: said beside the button, nothing is written", async () => {
    const page = await site.open("/services.html", null, STILL);

    await becomes(async () => (await orders(page)).length, 1);

    for (const [each, outcome, code] of [
      ["sold_out", "rejected", "service_rejected"],
      ["broken", "failed", "service_failed"],
    ]) {
      await service(page, each).click();
      await becomes(async () => (await answer(page)).outcome, outcome);
      assert.equal((await answer(page)).error.code, code);
      await becomes(
        () => service(page, each).getAttribute("aria-invalid"),
        "true",
      );
      assert.ok(await service(page, each).isEnabled(), "retry");
    }

    assert.deepEqual(await faults(page), []);
    assert.deepEqual(await orders(page), ["lamp"]);
  });
});
