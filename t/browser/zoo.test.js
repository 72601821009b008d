// @ts-check
/** Upvote, search, concurrent tokens: the members of the zoo at work. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { CHAT, lines, say, text } from "./chat.js";
import { becomes, connected, faults, tutorial } from "./lib.js";
import { witness } from "./witness.js";

/** @typedef {import("playwright-core").Page} Page */

describe("upvote", () => {
  const site = tutorial();

  /**
   * @param {Page} page
   * @param {string} item
   */
  const votes = async (page, item) =>
    Number(await page.locator(`[data-item="${item}"] output`).innerText());

  const spent = (/** @type {Page} */ page) =>
    page.locator('[data-stamp][data-state="spent"]').waitFor();

  test("a vote counts once, for all who look", async () => {
    const [left, right] = await Promise.all([
      site.open("/upvote.html"),
      site.open("/upvote.html"),
    ]);

    await becomes(() => votes(right, "bench"), 0);
    await left.locator('[value="bench"]').click();
    await becomes(() => votes(right, "bench"), 1);
    await spent(left);
    await right.locator('[value="bench"]').click();
    await becomes(() => votes(left, "bench"), 2);
    assert.equal(await votes(left, "lamp"), 0);
  });

  test("another press neither counts nor changes the stamp", async () => {
    const page = await site.open("/upvote.html");

    await becomes(() => votes(page, "lamp"), 0);

    const before = await votes(page, "ferry");

    await page.locator('[value="ferry"]').click();
    // It is aria-disabled, which a mouse does not mind.
    await page.locator('[value="lamp"]').click({ force: true });
    assert.match(await page.locator("[data-stamp]").innerText(), /ferry/);
    assert.equal(await page.locator("[data-discarded]").innerText(), "1");
    assert.deepEqual(await faults(page), []);

    await spent(page);
    assert.match(await page.locator("[data-stamp]").innerText(), /ferry/);
    await becomes(() => votes(page, "ferry"), before + 1);
    assert.equal(await votes(page, "lamp"), 0);
  });
});

describe("search while you type", () => {
  const site = tutorial();

  /** @param {Page} page */
  async function fill(page) {
    const offer = page.locator("[data-fill]");

    await offer.click();
    await page.locator("[data-offer]").waitFor({ state: "hidden" });
  }

  test("the latest question wins, the others are struck out", async () => {
    const page = await site.open("/search.html", "alice");
    await fill(page);
    await page.locator("#q").pressSequentially("light");
    await page.locator("[data-found] mark").first().waitFor();

    const questions = page.locator("[data-questions] li");

    assert.equal(await questions.first().getAttribute("data-state"), "ok");
    assert.equal(await questions.first().locator(".q").innerText(), "light");
    assert.deepEqual(
      await page.locator("[data-questions] s.q").allInnerTexts(),
      ["ligh", "lig", "li", "l"],
    );
    await becomes(
      () => page.locator("[data-questions] [data-state=superseded]").count(),
      4,
    );

    for (const text of await page.locator("[data-found] .what").allInnerTexts()) {
      assert.match(text, /light/i);
    }

    assert.deepEqual(await faults(page), []);
    await page.locator("#q").fill("");
    await becomes(() => page.locator("[data-found] li").count(), 0);
  });

  test("what one says in the chat, the other finds, the newest on top", async () => {
    const [alice, page] = await Promise.all([
      site.open(CHAT, "alice"),
      site.open("/search.html"),
    ]);
    const found = page.locator("[data-found] .what");
    const word = text("walrus");
    const said = [`${word} at the pier`, `${word} in the kitchen`];

    for (const words of said) {
      await say(alice, words);
      await becomes(() => lines(alice, words), [[words, "accepted"]]);
    }

    await page.locator("#q").fill(word);
    await becomes(() => found.allInnerTexts(), [said[1], said[0]]);
    assert.deepEqual(
      await page.locator("[data-found] .who").allInnerTexts(),
      ["alice", "alice"],
    );

    // What is asked is asked anew: nothing of it was remembered.
    const third = `${word} has left`;

    await say(alice, third);
    await becomes(() => lines(alice, third), [[third, "accepted"]]);
    await page.locator("#q").fill(`${word} `);
    await page.locator("#q").fill(word.toUpperCase());
    await becomes(() => found.allInnerTexts(), [third, said[1], said[0]]);
  });

  test("nothing found is an answer, too", async () => {
    const page = await site.open("/search.html");

    await page.locator("[data-slow]").uncheck();
    await page.locator("#q").fill("no such words");
    await becomes(
      () => page.locator("[data-words]").innerText(),
      "0 lines",
    );
  });
});

describe("concurrent tokens", () => {
  const site = tutorial();

  const numbers = (/** @type {Page} */ page, /** @type {string} */ where) =>
    page.locator(`[data-${where}] .number`).allInnerTexts();

  const delivered = (/** @type {Page} */ page) =>
    page.locator("[data-delivered] li").allInnerTexts();

  const none = (/** @type {Page} */ page) =>
    becomes(() => numbers(page, "all"), []);

  test("each row falls out by itself, and none is lost", async () => {
    const page = await site.open("/concurrent.html");

    await page.locator('[value="5"]').click();
    // By wire, at once; the others are not disturbed.
    await becomes(async () => (await delivered(page))[0], "3");
    await none(page);

    const all = [...(await delivered(page)), ...(await numbers(page, "rest"))];

    assert.deepEqual(all.sort(), ["1", "2", "3", "4", "5"]);
    assert.deepEqual(await faults(page), []);
  });

  test("one token takes the first, and drops the rest", async () => {
    const page = await site.open("/concurrent.html");

    await page.locator('[value="5"]').click();
    assert.equal(await page.locator("[data-taken]").innerText(), "1");
    assert.equal(await page.locator("[data-dropped]").innerText(), "4");
    await page.locator('[data-single][data-state="idle"]').waitFor();
    await none(page);
  });

  test("two counters do not get in each other's way", async (t) => {
    const truth = await witness(site.base);

    t.after(() => truth.close());

    const count = () => ({
      onFoot: truth.votes("parcels"),
      letters: truth.votes("letters"),
      byWire: truth.records.filter(({ value }) => /wire/.test(value.text)).length,
      byRail: truth.records.filter(({ value }) => /rail/.test(value.text)).length,
    });
    const before = count();
    const both = await Promise.all([
      site.open("/concurrent.html"),
      site.open("/concurrent.html"),
    ]);

    await Promise.all(both.map((page) => page.locator('[value="5"]').click()));

    let arrived = 0;

    for (const page of both) {
      await none(page);
      await page.locator('[data-single][data-state="idle"]').waitFor();

      const there = await delivered(page);
      const all = [...there, ...(await numbers(page, "rest"))];

      assert.deepEqual(all.sort(), ["1", "2", "3", "4", "5"]);
      arrived += there.filter((number) => ["2", "5"].includes(number)).length;
    }

    await becomes(async () => count(), {
      onFoot: before.onFoot + 4,
      letters: before.letters + 2,
      byWire: before.byWire + 2,
      byRail: before.byRail + arrived,
    });
  });

  test("what fails is tried again until it is there, once", async () => {
    const page = await site.open("/concurrent.html");
    let sent = 0;

    while ((await page.locator("[data-rest] li").count()) === 0) {
      assert.ok(sent < 100, "nothing has failed");
      await page.locator('[value="5"]').click();
      sent += 5;
      await none(page);
    }

    assert.deepEqual(await faults(page), []);

    const [lost] = await numbers(page, "rest");

    assert.equal((await delivered(page)).includes(lost), false);
    // A reload keeps what is not dealt with.
    await page.reload();
    await connected(page);
    await page.locator("[data-rest] button").first().waitFor();

    for (let i = 0; (await page.locator("[data-rest] li").count()) > 0; i++) {
      assert.ok(i < 200, "it never arrives");
      await page.locator("[data-rest] li").first().locator("button").first()
        .click({ timeout: 1000 })
        .catch(() => {});
    }

    const there = await delivered(page);

    assert.ok(there.includes(lost));
    assert.equal(there.length, new Set(there).size);
  });
});
