// @ts-check
/** A page that the browser keeps while the user is elsewhere, and shows again. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { becomes, connected, INSECURE, tutorial } from "./lib.js";
import { messages, witness } from "./witness.js";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {import("./witness.js").Message} Message */

const site = tutorial({
  cache: true,
  // long enough to go away in the meantime
  change: (conf) => conf.replace(/(?<=vote_slow\s+\{ delay )800ms/, "2s"),
});

const PAGES = [
  "index",
  "explainer",
  "life",
  "journal",
  "upvote",
  "search",
  "concurrent",
  "transfer",
  "forms",
  "chat",
  "services",
  "break",
  "inside",
].map((name) => `/${name}.html`);

/**
 * ms until a page that has come has told others that it lives.  One that is left
 * while it does so is loaded anew: nothing is lost, but it is not what is tested.
 */
const SETTLED = 300;

/** The page can be told from one that is loaded anew. @param {Page} page */
async function mark(page) {
  await page.waitForTimeout(SETTLED);
  await page.evaluate("window.kept = true");
}

/** In a page: whether it is the one that was marked, or else why not. */
const KEPT = `window.kept ?? JSON.stringify(
  performance.getEntriesByType("navigation")[0].notRestoredReasons)`;

/**
 * To another page; from this one, which is marked.
 *
 * @param {Page} page
 * @param {string} path
 */
async function away(page, path) {
  await mark(page);
  await page.goto(path);
  await connected(page);
}

/**
 * To a page that is as it was.  (Where Playwright goes back itself it waits for
 * a page to load, and this one does not.)
 *
 * @param {Page} page
 * @param {"back" | "forward"} way
 * @param {string} path
 */
async function again(page, way, path) {
  await page.evaluate(`void setTimeout(() => history.${way}())`);
  await becomes(async () => new URL(page.url()).pathname, path);
  assert.equal(await page.evaluate(KEPT), true);
}

/** In a page, before its own scripts: keeps what the server says to it. */
function listen() {
  /** @type {string[]} */
  const frames = [];

  Object.assign(window, {
    heard: frames,
    WebSocket: class extends WebSocket {
      /** @param {ConstructorParameters<typeof WebSocket>} what */
      constructor(...what) {
        super(...what);
        this.addEventListener("message", ({ data }) => frames.push(data));
      }
    },
  });
}

/**
 * What the server has said to the page since it was last asked.
 *
 * @param {Page} page
 * @returns {Promise<Message[]>}
 */
async function heard(page) {
  const frames = await page.evaluate("window.heard.splice(0)");

  return /** @type {string[]} */ (frames).flatMap(messages);
}

/** @param {Page} page */
const stamp = (page) => page.locator("[data-stamp]").getAttribute("data-state");

describe("a page that is shown again", () => {
  for (const path of PAGES) {
    test(`${path} was kept by the browser, and is connected again`, async () => {
      const page = await site.open(path, path === "/chat.html" ? "alice" : null);

      await away(page, path === "/index.html" ? "/life.html" : "/index.html");
      await again(page, "back", path);
      await connected(page);
    });
  }

  for (const base of ["127.0.0.1", INSECURE]) {
    test(`has missed nothing, and asks only for that, at ${base}`, async () => {
      const context = await site.context(null, {
        baseURL: site.base.replace("127.0.0.1", base),
      });
      const page = await context.newPage();
      const writer = await site.open("/journal.html");
      const lines = ["one", "two", "three"].map(
        (words) => `${words} ${Date.now()}`,
      );
      const write = async (/** @type {string} */ words) => {
        await writer.locator("#text").fill(words);
        await writer.locator("#text").press("Enter");
        await writer.locator("[data-journal] li", { hasText: words }).waitFor();
      };
      const seen = async () =>
        (await page.locator("[data-journal] .what").allInnerTexts()).filter(
          (words) => lines.includes(words),
        );

      await page.addInitScript(listen);
      await page.goto("/journal.html");
      await connected(page);
      await write(lines[0]);
      await becomes(seen, lines.slice(0, 1));
      await heard(page);
      await away(page, "/index.html");
      await write(lines[1]);
      await write(lines[2]);
      await again(page, "back", "/journal.html");
      await becomes(seen, lines);

      const said = await heard(page);
      const answer = said.find(
        ({ type, channel }) => type === "watching" && channel === "journal",
      );

      assert.equal(answer?.recovered, true);
      assert.deepEqual(
        said
          .filter(({ type }) => type === "record")
          .map(({ value }) => value.text),
        lines.slice(1),
      );
    });

    test(`learns what became of its token, at ${base}`, async (t) => {
      const truth = await witness(site.base);
      const context = await site.context(null, {
        baseURL: site.base.replace("127.0.0.1", base),
      });
      const page = await context.newPage();

      t.after(() => truth.close());
      await page.goto("/upvote.html");
      await connected(page);

      const votes = truth.votes("bench");

      await page.locator('[data-ballot] [value="bench"]').click();
      await becomes(() => stamp(page), "busy");
      await away(page, "/index.html");
      assert.equal(truth.votes("bench"), votes, "it is still on its way");
      await again(page, "back", "/upvote.html");
      await becomes(() => stamp(page), "spent");
      assert.equal(truth.votes("bench"), votes + 1);
    });

    test(`sends what the page in between could not, once, at ${base}`, async (t) => {
      const truth = await witness(site.base);
      const context = await site.context(null, {
        baseURL: site.base.replace("127.0.0.1", base),
      });
      const page = await context.newPage();
      const words = `from the page in between ${Date.now()}`;
      const written = () =>
        truth.records.filter(({ value }) => value.text === words).length;

      t.after(() => truth.close());
      site.tolerate = /WebSocket connection|ERR_INTERNET_DISCONNECTED/;
      await page.goto("/index.html");
      await connected(page);
      await away(page, "/journal.html");
      await context.setOffline(true);
      await page.locator('[data-connection][data-status="offline"]').waitFor();
      await page.locator("#text").fill(words);
      await page.locator("#text").press("Enter");
      await page.locator('[data-write][aria-busy="true"]').waitFor();
      await mark(page);
      await again(page, "back", "/index.html");
      await context.setOffline(false);
      await connected(page);
      await becomes(async () => written(), 1);

      // and the page that has asked for it hears of it, too
      await again(page, "forward", "/journal.html");
      await page.locator('[data-write][aria-busy="false"]:enabled').waitFor();
      await becomes(() => page.locator("#text").inputValue(), "");
      assert.equal(written(), 1);
    });
  }
});
