// @ts-check
/** Tabs that crash, and tabs that are duplicated: whose are the commands? */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { text } from "./chat.js";
import { becomes, connected, INSECURE, tutorial } from "./lib.js";
import { settled, tally } from "./tally.js";
import { messages, witness } from "./witness.js";

/** @typedef {import("playwright-core").BrowserContext} BrowserContext */
/** @typedef {import("playwright-core").CDPSession} CDPSession */
/** @typedef {import("playwright-core").Page} Page */
/** @typedef {import("./witness.js").Message} Message */
/** @typedef {Awaited<ReturnType<typeof witness>>} Witness */

/** What the network is like; -1: no limit. */
const LINE = { latency: 0, downloadThroughput: -1, uploadThroughput: -1 };

/** Each kind of origin has a way of its own to tell living pages. */
const ORIGINS = [
  { where: "with locks", change: (/** @type {string} */ base) => base },
  {
    where: "without locks",
    change: (/** @type {string} */ base) => base.replace("127.0.0.1", INSECURE),
  },
];

// Long enough for a tab to open in the meantime; what matters is that the
// outcome is not there yet when the other tab begins.
const site = tutorial({
  change: (conf) =>
    conf
      .replace(
        "token_service log_message  ",
        "token_service log_message  { delay 800ms; append journal; }\n    # ",
      )
      .replace(/(?<=vote_slow\s+\{ delay )800ms/, "2s"),
});

/** @param {import("node:test").TestContext} t */
async function looking(t) {
  const truth = await witness(site.base);

  t.after(() => truth.close());
  return truth;
}

/**
 * A context of which every word on the wire is noted, for each of its pages.
 *
 * @param {(base: string) => string} change
 */
async function noted(change) {
  const context = await site.context(null, { baseURL: change(site.base) });
  /** @type {Map<Page, Message[]>} */
  const said = new Map();

  context.on("page", (page) => {
    said.set(page, []);
    page.on("websocket", (socket) => {
      socket.on("framesent", ({ payload }) => {
        said.get(page)?.push(...messages(String(payload)));
      });
    });
  });

  return { context, said: (/** @type {Page} */ page) => said.get(page) ?? [] };
}

/** @param {Message[]} said */
function tokens(said) {
  return said.filter(({ type }) => type === "token").map(({ id }) => id);
}

/**
 * The ids that a page has had to do with, whatever it wanted.
 *
 * @param {Message[]} said
 * @returns {string[]}
 */
function idsOf(said) {
  return said.flatMap(({ id, ids }) => ids ?? id ?? []);
}

/**
 * @param {BrowserContext} context
 * @param {string} path
 */
async function opened(context, path) {
  const page = await context.newPage();

  await page.goto(path);
  await connected(page);
  return page;
}

/**
 * A page, and those that it has opened, end without a word to anybody: they
 * share a process.  Then Playwright has no page any more, but still talks to
 * the tab.
 *
 * @param {Page[]} pages
 */
async function crash(...pages) {
  const tabs = await Promise.all(
    pages.map((page) => page.context().newCDPSession(page)),
  );
  const crashed = pages.map((page) => page.waitForEvent("crash"));

  await Promise.all(tabs.map((tab) => tab.send("Network.enable")));
  // its only answer is the crash
  tabs[0].send("Page.crash").catch(() => {});
  await Promise.all(crashed);
  return tabs;
}

/**
 * What the page that is now in a tab says.
 *
 * @param {CDPSession} tab
 * @param {string} expression
 */
async function ask(tab, expression) {
  const { result } = await tab.send("Runtime.evaluate", {
    expression,
    returnByValue: true,
  });

  return result.value;
}

/** In a page: what it keeps of commands. */
const KEPT = `Object.keys(sessionStorage)
  .filter((key) => key.startsWith("token:"))`;

describe("a tab that has crashed", () => {
  /** @param {CDPSession} tab */
  const tallyOf = (tab) =>
    ask(
      tab,
      `Object.fromEntries(
        [...document.querySelectorAll("[data-count]")].map((place) =>
          [place.dataset.count, Number(place.textContent)]))`,
    );

  /**
   * The tab is loaded again, and all that was asked for is there, once.
   *
   * @param {Witness} truth
   * @param {number} votes  before
   * @param {CDPSession} tab
   * @param {number} asked
   * @returns what the page in its second life has said
   */
  async function once(truth, votes, tab, asked) {
    /** @type {Message[]} */
    const heard = [];
    /** @type {Message[]} */
    const said = [];

    tab.on("Network.webSocketFrameSent", ({ response }) => {
      said.push(...messages(response.payloadData));
    });
    tab.on("Network.webSocketFrameReceived", ({ response }) => {
      heard.push(...messages(response.payloadData));
    });
    await tab.send("Page.reload");
    await becomes(() => tallyOf(tab), {
      asked,
      answered: asked,
      logged: asked,
      open: 0,
      failed: 0,
      doubled: 0,
      lost: 0,
    });

    const answers = heard.filter(
      ({ type, outcome }) =>
        type === "outcome" && !["running", "unknown"].includes(outcome),
    );

    assert.ok(answers.length > 0, "some were answered only now");
    assert.deepEqual(
      answers.map(({ id }) => id),
      [...new Set(answers.map(({ id }) => id))],
      "each is answered once",
    );

    const run = await ask(tab, 'JSON.parse(sessionStorage.getItem("break")).run');
    const ours = () => truth.records.filter(({ value }) => value.run === run);

    await becomes(
      async () => [ours().length, truth.votes("break")],
      [asked, votes + asked],
    );
    assert.deepEqual(
      ours()
        .map(({ value }) => value.n)
        .sort((a, b) => a - b),
      Array.from({ length: asked }, (_, n) => n),
    );
    assert.equal(new Set(ours().map(({ token }) => token)).size, asked);
    return said;
  }

  for (const { where, change } of ORIGINS) {
    test(`tokens on their way are answered once, ${where}`, async (t) => {
      const truth = await looking(t);
      const { context, said } = await noted(change);
      const page = await opened(context, "/break.html");
      const votes = truth.votes("break");

      await page.locator("[data-send]").click();
      await becomes(async () => tokens(said(page)).length > 0, true);

      const [tab] = await crash(page);

      await once(truth, votes, tab, 20);
    });

    test(`tokens that waited for a connection are sent, ${where}`, async (t) => {
      const truth = await looking(t);
      const { context, said } = await noted(change);
      const page = await opened(context, "/break.html");
      const votes = truth.votes("break");

      await page.locator("[data-pull]").click();
      await page.locator('[data-connection][data-status="offline"]').waitFor();
      await page.locator("[data-send]").click();
      await page.locator('[data-dots] [data-state="pending"]').nth(19).waitFor();
      assert.deepEqual(tokens(said(page)), []);

      const [tab] = await crash(page);

      await once(truth, votes, tab, 20);
    });

    test(`tokens of which nobody heard the answer are not sent again, ${where}`, async (t) => {
      const truth = await looking(t);
      const { context, said } = await noted(change);
      const page = await opened(context, "/break.html");
      const votes = truth.votes("break");

      await page.locator("[data-send]").click();
      await becomes(async () => tokens(said(page)).length, 20);
      await page.locator("[data-pull]").click();
      await becomes(async () => truth.votes("break"), votes + 20);

      const [tab] = await crash(page);

      assert.deepEqual(tokens(await once(truth, votes, tab, 20)), []);
    });
  }
});

describe("a tab that goes to another page", () => {
  test("what was sent, and is answered there, is not in the form any more", async (t) => {
    const truth = await looking(t);
    const page = await site.open("/journal.html");
    const words = text("elsewhere");
    const field = () => page.locator("#text").inputValue();

    await page.locator("#text").fill(words);
    await page.reload();
    await connected(page);
    assert.equal(await field(), words, "what was not sent is");
    await page.locator("#text").press("Enter");
    await page.locator('[data-write][aria-busy="true"]').waitFor();
    await page.goto("/index.html");
    await becomes(
      async () => truth.records.some(({ value }) => value.text === words),
      true,
    );
    await becomes(() => page.evaluate(KEPT), []);
    await page.goto("/journal.html");
    await connected(page);
    assert.notEqual(await field(), words);
  });
});

describe("a tab that is duplicated", () => {
  /**
   * A tab with a copy of the storage, as the browser's "Duplicate" gives it.
   *
   * @param {Page} page
   */
  async function duplicate(page) {
    const popup = page.waitForEvent("popup");

    await page.evaluate(() => void window.open(location.href));
    return popup;
  }

  const kept = (/** @type {Page} */ page) => page.evaluate(KEPT);

  /**
   * Only this page, not the others of its context.
   *
   * @param {Page} page
   */
  async function unplug(page) {
    const line = await page.context().newCDPSession(page);
    const set = (/** @type {boolean} */ offline) =>
      line.send("Network.emulateNetworkConditions", { ...LINE, offline });

    await line.send("Network.enable");
    await set(true);
    await page.locator('[data-connection][data-status="offline"]').waitFor();
    return () => set(false);
  }

  /**
   * @param {Page} page
   * @param {string} words
   */
  async function write(page, words) {
    await page.locator("#text").fill(words);
    await page.locator("#text").press("Enter");
    await page.locator('[data-write][aria-busy="true"]').waitFor();
  }

  /** @param {Page} page */
  const idle = (page) =>
    page.locator('[data-write][aria-busy="false"]:enabled').waitFor();

  /**
   * What of these words stands in the journal.
   *
   * @param {Witness} truth
   * @param {string[]} words
   */
  const written = (truth, words) =>
    truth.records
      .map(({ value }) => value.text)
      .filter((each) => words.includes(each));

  for (const { where, change } of ORIGINS) {
    test(`it leaves what waits for a connection to the first, ${where}`, async (t) => {
      const truth = await looking(t);
      const { context, said } = await noted(change);
      const first = await opened(context, "/journal.html");
      const words = ["copy", "first", "copy again", "first again"].map(text);

      site.tolerate = /WebSocket connection|ERR_INTERNET_DISCONNECTED/;

      const plugIn = await unplug(first);

      await write(first, words[1]);
      assert.equal((await kept(first)).length, 1);

      const copy = await duplicate(first);

      await connected(copy);
      await becomes(() => kept(copy), [], "it forgets the copy");
      await idle(copy);
      await write(copy, words[0]);
      await idle(copy);
      await becomes(async () => written(truth, words), words.slice(0, 1));

      await plugIn();
      await idle(first);
      await becomes(async () => written(truth, words), words.slice(0, 2));

      await write(copy, words[2]);
      await idle(copy);
      await write(first, words[3]);
      await idle(first);
      await becomes(async () => written(truth, words), words);

      assert.equal(tokens(said(first)).length, 2);
      assert.equal(tokens(said(copy)).length, 2);
      assert.deepEqual(
        idsOf(said(copy)).filter((id) => idsOf(said(first)).includes(id)),
        [],
        "neither has to do with what the other has asked for",
      );
    });

    test(`it leaves what is on its way to the first, ${where}`, async (t) => {
      const truth = await looking(t);
      const { context, said } = await noted(change);
      const first = await opened(context, "/journal.html");
      const words = ["first", "copy", "first again"].map(text);

      await write(first, words[0]);
      await becomes(async () => tokens(said(first)).length, 1);

      const copy = await duplicate(first);

      await connected(copy);
      await becomes(() => kept(copy), [], "it forgets the copy");
      await idle(copy);
      await idle(first);
      await write(copy, words[1]);
      await idle(copy);
      await write(first, words[2]);
      await idle(first);
      await becomes(async () => written(truth, words), words);

      assert.deepEqual(
        idsOf(said(copy)),
        truth.records
          .filter(({ value }) => value.text === words[1])
          .map(({ token }) => token),
      );
      assert.equal(tokens(said(first)).length, 2);
    });

    test(`each counts what it has asked for itself, ${where}`, async () => {
      const { context } = await noted(change);
      const first = await opened(context, "/break.html");
      const send = async (/** @type {Page} */ page, /** @type {number} */ asked) => {
        await page.locator('[name="server"][value="fast"]').check();
        await page.locator("[data-send]").click();
        assert.equal((await tally(page)).asked, asked);
      };

      await send(first, 20);

      const copy = await duplicate(first);

      await connected(copy);
      assert.equal((await tally(copy)).asked, 0);
      await send(copy, 20);
      await send(first, 40);
      await Promise.all([settled(first, 40), settled(copy, 20)]);

      await Promise.all([first.reload(), copy.reload()]);
      await Promise.all([connected(first), connected(copy)]);
      await Promise.all([settled(first, 40), settled(copy, 20)]);

      // a run that has begun anew is nobody else's, either
      await first.locator("[data-clear]").click();
      await send(first, 20);

      const another = await duplicate(first);

      await connected(another);
      await send(another, 20);
      await Promise.all([settled(first, 20), settled(another, 20)]);
    });

    test(`both crash before it has forgotten: done once, ${where}`, async (t) => {
      const truth = await looking(t);
      const { context, said } = await noted(change);
      const first = await opened(context, "/journal.html");
      const words = ["first", "after it"].map(text);

      await write(first, words[0]);
      await becomes(async () => tokens(said(first)).length, 1);

      const tabs = await crash(first, await duplicate(first));

      // Now there are two that may go on with it: nginx knows the id.
      await Promise.all(tabs.map((tab) => tab.send("Page.reload")));

      for (const tab of tabs) {
        await becomes(
          () => ask(tab, "document.querySelector('[data-status]')?.dataset.status"),
          "open",
        );
        await becomes(() => ask(tab, KEPT), []);
      }

      const next = await opened(context, "/journal.html");

      await write(next, words[1]);
      await becomes(async () => written(truth, words), words);
    });
  }
});
