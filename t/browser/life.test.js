// @ts-check
/** The life of a token, and the journal: endings, errors, and the way back. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { becomes, connected, faults, tutorial } from "./lib.js";

/** @typedef {import("playwright-core").Page} Page */

/** Presses after which a failure of one in two must have been seen. */
const BOUND = 40;

const state = (/** @type {Page} */ page) =>
  page.locator("[data-life]").getAttribute("data-state");

const steps = (/** @type {Page} */ page) =>
  page.locator("[data-steps] li .what").allInnerTexts();

/**
 * @param {Page} page
 * @param {string} ending
 */
async function live(page, ending) {
  await page.locator(`[data-scenes] [value="${ending}"]`).click();
  await page.locator(`[data-life][data-state="${ending}"]`).waitFor();
  await page.locator('[data-scenes] [aria-busy="true"]').waitFor({
    state: "detached",
  });
}

describe("the life of a token", () => {
  const site = tutorial();

  for (const [ending, pair, last] of [
    ["ok", "[–, –]", /^t\(\): spent/],
    ["rejected", "[–, version]", /^t\(version\)/],
    ["failed", "[–, service_failed]", /^t\(service_failed\)/],
    ["superseded", "[–, –]", /^t\(\): spent/],
  ]) {
    test(`it can end with ${ending}`, async () => {
      const page = await site.open("/life.html");

      await live(page, String(ending));
      await becomes(
        () => page.locator("[data-pair]").innerText(),
        String(pair),
      );

      const said = await steps(page);

      assert.match(said[0], /^you press/);
      assert.match(said[1], /^token/);
      assert.match(said.at(-2) ?? "", new RegExp(`outcome: "${ending}"`));
      assert.match(said.at(-1) ?? "", /** @type {RegExp} */ (last));
      assert.deepEqual(await faults(page), []);
    });
  }

  test("the change comes before the answer", async () => {
    const page = await site.open("/life.html");

    await page.locator("[data-lamp]:not([data-value=undefined])").waitFor();
    await live(page, "ok");

    const said = (await steps(page)).map((text) => text.split(/\s/)[0]);

    assert.deepEqual(said.slice(1, 4), ["token", "atom", "outcome"]);
  });

  test("another sees what was accepted, and nothing of the other endings", async () => {
    const [page, other] = await Promise.all([
      site.open("/life.html"),
      site.open("/life.html"),
    ]);
    const lamp = (/** @type {Page} */ of) =>
      of.locator("[data-lamp] output").innerText();

    await becomes(async () => ["on", "off"].includes(await lamp(other)), true);

    const before = await lamp(other);

    for (const ending of ["rejected", "failed", "superseded", "ok"]) {
      await live(page, ending);
    }

    // The answer comes after all that was committed before it.
    const after = before === "on" ? "off" : "on";

    assert.equal(await lamp(page), after);
    await becomes(() => lamp(other), after);
  });

  test("a cancel goes after the token, and wins", async () => {
    const page = await site.open("/life.html");

    await live(page, "superseded");
    assert.ok((await steps(page)).some((text) => text.startsWith("cancel")));
  });

  test("the keyboard goes through it again, and the drawing goes along", async () => {
    const page = await site.open("/life.html");

    await live(page, "ok");
    await page.locator("[data-at]").focus();
    await page.keyboard.press("Home");
    assert.equal(await state(page), "pending");
    assert.match(
      await page.locator('[aria-current="step"]').innerText(),
      /you press/,
    );
    await page.keyboard.press("End");
    assert.equal(await state(page), "ok");
  });

  test("a press while the token is up changes nothing", async () => {
    const page = await site.open("/life.html");

    await page.locator('[data-scenes] [value="ok"]').click();
    await page.locator('[data-scenes] [value="failed"]').click({
      force: true,
    });
    await page.locator('[data-life][data-state="ok"]').waitFor();
    assert.equal(
      (await steps(page)).filter((text) => text.startsWith("token")).length,
      1,
    );
  });
});

describe("the journal", () => {
  const site = tutorial();
  const lines = (/** @type {Page} */ page) =>
    page.locator("[data-journal] .what").allInnerTexts();

  /**
   * @param {Page} page
   * @param {string} text
   */
  async function write(page, text) {
    await page.locator("#text").fill(text);
    await page.locator("#text").press("Enter");
    await page.locator('[data-write][aria-busy="false"]').waitFor();
  }

  test("what one writes, the other reads", async () => {
    const [left, right] = await Promise.all([
      site.open("/journal.html"),
      site.open("/journal.html"),
    ]);

    await write(left, "the kettle is on");
    await becomes(async () => (await lines(right)).at(-1), "the kettle is on");
    await write(right, "and the tea is out");
    await becomes(async () => (await lines(left)).slice(-2), [
      "the kettle is on",
      "and the tea is out",
    ]);
    assert.equal(await left.locator("#text").inputValue(), "");
  });

  test("an error keeps the words, is said, and leaves no line", async () => {
    const page = await site.open("/journal.html");
    let failed = 0;

    await page.locator("[data-flaky]").check();

    for (let i = 0; i < BOUND && failed === 0; i++) {
      const before = (await lines(page)).filter((text) => text === `try ${i}`);

      await write(page, `try ${i}`);
      failed = await page.locator('[data-write][aria-invalid="true"]').count();
      assert.deepEqual(before, []);
    }

    assert.equal(failed, 1, `no failure in ${BOUND} attempts`);

    const kept = await page.locator("#text").inputValue();

    assert.match(kept, /^try/);
    assert.notEqual(await page.locator("[data-error]").innerText(), "");
    assert.equal(await page.locator("[data-write]").innerText(), "Retry");
    assert.equal((await lines(page)).includes(kept), false);
    assert.deepEqual(await faults(page), []);

    await page.locator("[data-flaky]").uncheck();
    await page.locator("[data-write]").click();
    await becomes(async () => (await lines(page)).at(-1), kept);
    await becomes(() => page.locator("[data-error]").innerText(), "");
  });

  test("a reload shows what the server has", async () => {
    const page = await site.open("/journal.html");

    await write(page, "for good");
    await page.reload();
    await connected(page);
    await becomes(async () => (await lines(page)).at(-1), "for good");
  });
});
