// @ts-check
/** Forms: two people edit one profile. */

import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";

import WebSocket from "ws";

import { connect } from "../../html/token.js";
import { becomes, faults, tutorial } from "./lib.js";

/** @typedef {import("playwright-core").Page} Page */

/** axe looks at colours that stand still. */
const STILL = /** @type {const} */ ({ reducedMotion: "reduce" });

const FORM = "/forms.html";

/** The profile that each test finds, whatever ran before it. */
const PROFILE = { name: "Mary", colour: "green", about: "Keeps the lamp" };

const save = (/** @type {Page} */ page) => page.locator("[data-save]");
const status = (/** @type {Page} */ page) =>
  page.locator("[data-stages]").getAttribute("data-state");
const theirs = (/** @type {Page} */ page) =>
  page.locator("[data-their-name]").innerText();

/** @param {Page} page */
async function known(page) {
  await becomes(
    async () => (await page.locator("[data-version]").innerText()) !== "…",
    true,
  );
}

/** @param {string} path */
function two(path) {
  return Promise.all([site.open(path, null, STILL), site.open(path, null, STILL)]);
}

/** In the page: keeps what the element says. @param {Element} element */
function record(element) {
  /** @type {string[]} */
  const words = [];

  Object.assign(element, { words });
  new MutationObserver(() => {
    if (element.textContent) words.push(element.textContent);
  }).observe(element, { childList: true });
}

/** In the page. @param {any} element */
function recorded({ words }) {
  return words;
}

/**
 * In the page: where the buttons, and what follows them, are while the element
 * says each of the words.
 *
 * @param {Element} said
 * @param {string[]} words
 */
function placesWith(said, words) {
  return words.map((text) => {
    said.textContent = text;
    return JSON.stringify(
      [...document.querySelectorAll("[data-profile] button, .how")].map(
        (element) => element.getBoundingClientRect(),
      ),
    );
  });
}

const site = tutorial();

beforeEach(async () => {
  const live = connect(`${site.base}/live`, {
    WebSocket: /** @type {any} */ (WebSocket),
  });
  const { outcome } = await live.send("merge_profile", PROFILE).outcome;

  live.close();
  assert.equal(outcome, "ok");
});

describe("a profile that two people edit", () => {
  test("what is saved is seen by the other; what he types is left alone", async () => {
    const [one, other] = await two(FORM);

    await Promise.all([known(one), known(other)]);
    assert.ok(await save(one).isDisabled(), "nothing to save");

    await other.locator("#about").fill("half a sent");
    await one.locator("#name").fill("Ada");
    await becomes(() => status(one), "dirty");
    await save(one).click();
    await becomes(() => status(one), "accepted");
    await becomes(() => theirs(other), "Ada");
    await becomes(() => other.locator("#name").inputValue(), "Ada");
    assert.equal(await other.locator("#about").inputValue(), "half a sent");
    assert.equal(await status(other), "dirty");

    // He has begun before that: version, and not a word is lost.
    await save(other).click();
    await becomes(() => status(other), "failed");
    assert.match(
      await other.locator('[token-error=""]').innerText(),
      /somebody else/,
    );
    assert.equal(await other.locator("#about").inputValue(), "half a sent");
    assert.deepEqual(await faults(other), []);

    // He has seen it: now he means it.
    await save(other).click();
    await becomes(() => status(other), "accepted");
    await becomes(
      () => one.locator("[data-their-about]").innerText(),
      "half a sent",
    );
    assert.equal(await theirs(one), "Ada");
  });

  test("what is saved is said, and what lasts is said while it does", async () => {
    const page = await site.open(FORM, null, STILL);
    const said = page.locator("[token-said]");

    await known(page);
    await said.evaluate(record);
    await page.locator('[value="merge"]').check();
    await page.locator("#name").fill("Grace");
    await page.locator("#about").fill("said");
    await save(page).click();
    await becomes(() => said.evaluate(recorded), ["Saving …", "Saved"]);
    await page.getByRole("status").filter({ hasText: "Saved" }).waitFor();
    assert.deepEqual(await faults(page), []);

    await page.locator("#about").fill("said, and then some");
    await becomes(() => said.innerText(), "");
    await page.keyboard.press("Escape");
  });

  for (const width of [320, 360, 400, 920, 1280]) {
    test(`what is said has its place, and nothing moves for it, at ${width}`, async () => {
      const page = await site.open(FORM, null, {
        ...STILL,
        viewport: { width, height: 740 },
      });
      const places = await page.locator("[token-said]").evaluate(placesWith, [
        "",
        "Saving …",
        "Saved",
      ]);

      assert.equal(new Set(places).size, 1, String(places));
      assert.equal(
        await page.evaluate(() => document.documentElement.scrollWidth),
        width,
      );
    });
  }

  test("Discard is worked by key, too: the fields are as the server has them", async () => {
    const page = await site.open(FORM, null, STILL);
    const focused = (/** @type {string} */ selector) =>
      page.locator(selector).evaluate((e) => e === document.activeElement);

    await known(page);

    const before = await page.locator("#about").inputValue();

    for (const key of ["Enter", "Space"]) {
      await page.locator("#about").focus();
      await page.keyboard.type("never mind");
      await becomes(() => status(page), "dirty");
      await page.keyboard.press("Tab");
      assert.ok(await focused("[data-save]"));
      await page.keyboard.press("Tab");
      assert.ok(await focused('[type="reset"]'));
      await page.keyboard.press(key);
      await becomes(() => status(page), "clean");
      assert.equal(await page.locator("#about").inputValue(), before);
      assert.ok(await save(page).isDisabled());
      assert.ok(await focused('[type="reset"]'), "and the focus stays");
    }
  });

  test("a problem with a field is said beside the field", async () => {
    const page = await site.open(FORM, null, STILL);

    await known(page);
    await page.locator("#name").fill("a@b");
    await save(page).click();
    await becomes(
      () => page.locator('[token-error="name"]').innerText(),
      "A name, please, no address.",
    );
    assert.equal(
      await page.locator("#name").getAttribute("aria-invalid"),
      "true",
    );
    // Nothing was sent: the form has not failed, and the drawing says why.
    assert.equal(await status(page), "dirty");
    assert.match(
      (await page.locator("[data-stages]").getAttribute("class")) ?? "",
      /\brefused\b/,
    );
    assert.match(
      await page.locator("[data-said]").innerText(),
      /^Not sent: name/,
    );
    assert.equal(await save(page).getAttribute("aria-invalid"), null);

    await page.locator("#name").fill("");
    await save(page).click();
    await becomes(
      () => page.locator("#name").evaluate((e) => e === document.activeElement),
      true,
    );
    await becomes(
      async () =>
        (await page.locator('[token-error="name"]').innerText()) !== "",
      true,
    );

    await page.keyboard.press("Escape");
    await becomes(() => status(page), "clean");
    assert.equal(await page.locator('[token-error="name"]').innerText(), "");
  });

  test("Escape cancels what is on its way, and puts the fields back", async () => {
    const [one, other] = await two(FORM);

    await Promise.all([known(one), known(other)]);

    const before = await one.locator("#about").inputValue();
    const version = await other.locator("[data-version]").innerText();

    await one.locator('[value="merge"]').check();
    await one.locator("#about").fill("never mind");
    await save(one).click();
    await becomes(() => status(one), "busy");
    await one.locator("#about").press("Escape");
    await becomes(() => status(one), "clean");
    await becomes(() => one.locator("#about").inputValue(), before);

    // A later commit is there, and the cancelled one is not.
    await one.locator("#about").fill("rather this");
    await save(one).click();
    await becomes(
      () => other.locator("[data-their-about]").innerText(),
      "rather this",
    );
    assert.notEqual(
      await other.locator("[data-version]").innerText(),
      version,
    );
    await becomes(() => status(one), "accepted");
  });

  test("with merge, only what is dirty is sent", async () => {
    const page = await site.open(FORM, null, STILL);

    await known(page);

    const colour = await page.locator("#colour").inputValue();

    await page.locator('[value="merge"]').check();
    await page.locator("#about").fill(`about ${colour}`);
    await page.locator("[data-other]").click();
    await becomes(
      async () => (await page.locator("#colour").inputValue()) !== colour,
      true,
      "a clean field follows",
    );

    const next = await page.locator("#colour").inputValue();

    await save(page).click();
    await becomes(() => status(page), "accepted");
    await becomes(
      () => page.locator("[data-their-about]").innerText(),
      `about ${colour}`,
    );
    assert.equal(
      await page.locator("[data-their-colour]").innerText(),
      next,
    );
  });
});

describe("a form that is used up", () => {
  test("three lines in a row: each one is there, once, for both", async () => {
    const [page, other] = await two(FORM);
    // the book may have been written in before
    const lines = ["first", "second", "third"].map(
      (nth) => `${nth} ${Date.now()}`,
    );

    for (const words of lines) {
      await page.locator("#words").fill(words);
      await page.locator("#words").press("Enter");
      assert.equal(await page.locator("#words").inputValue(), "");
    }

    for (const words of lines) {
      const line = page.locator("[data-guests] li", { hasText: words });

      await becomes(async () => {
        const state = await line.getAttribute("data-state");

        if (state === "failed") {
          await line.getByRole("button", { name: "Retry" }).click();
        }

        return state;
      }, "accepted");
      assert.equal(await line.count(), 1);
    }

    await becomes(async () => {
      const seen = await other.locator("[data-guests] .what").allInnerTexts();

      return seen.filter((words) => lines.includes(words)).sort();
    }, lines);
  });
});
