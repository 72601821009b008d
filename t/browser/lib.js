// @ts-check
/**
 * What the browser tests share: an nginx of their own that serves the
 * tutorial, a browser, and waiting for what is to come.
 *
 *     TOKEN_MODULE   the module (default: build/ngx_http_token_module.so);
 *                    "static": it is built into NGINX
 *     NGINX          the server's binary (default: nginx)
 *     CHROMIUM       the browser's binary (default: chromium)
 *     BASE_URL       a tutorial that runs already; then no nginx is started,
 *                    and the tests that need one of their own are skipped
 */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { after, afterEach, before } from "node:test";
import { isDeepStrictEqual } from "node:util";

import { chromium } from "playwright-core";

import { startNginx } from "./nginx.js";

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** How long anything may take before it counts as not coming, ms. */
const PATIENCE = 15000;

/** A name of this machine that browsers do not trust as they do 127.0.0.1. */
export const INSECURE = "insecure.test";

/** Playwright turns the back/forward cache off. */
const CACHE_OFF = "--disable-back-forward-cache";

const ARGS = [
  `--host-resolver-rules=MAP ${INSECURE} 127.0.0.1`,
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {import("playwright-core").BrowserContextOptions} ContextOptions */

/**
 * The fixture of one test file: a server and a browser for all of its tests,
 * a fresh set of browser contexts for each.
 *
 * @param {object} [options]
 * @param {(conf: string) => string} [options.change]  edits the copy of
 *     examples/tutorial.conf
 * @param {boolean} [options.cache]  with the browser's back/forward cache
 */
export function tutorial({ change, cache = false } = {}) {
  /** @type {import("playwright-core").Browser} */
  let browser;
  /** @type {Awaited<ReturnType<typeof startNginx>> | undefined} */
  let nginx;
  /** @type {string[]} */
  let complaints = [];

  const fixture = {
    base: process.env.BASE_URL ?? "",

    /** Complaints of the browser that a test brings about on purpose. */
    tolerate: /** @type {RegExp | null} */ (null),

    /** The server: undefined with BASE_URL. */
    get nginx() {
      return nginx;
    },

    /**
     * A browser context of its own (cookies, storage), without a page.
     *
     * @param {string | null} [user]
     * @param {ContextOptions} [more]
     */
    async context(user = null, more = {}) {
      const context = await browser.newContext({
        baseURL: fixture.base,
        ...(user ? { httpCredentials: { username: user, password: "" } } : {}),
        ...more,
      });

      context.setDefaultTimeout(PATIENCE);
      context.on("weberror", (error) => complaints.push(String(error.error())));
      context.on("console", (message) => {
        if (message.type() === "error" || message.type() === "warning") {
          complaints.push(message.text());
        }
      });

      return context;
    },

    /**
     * A page in a context of its own, connected; for a user: logged in.
     *
     * @param {string} path
     * @param {string | null} [user]
     * @param {ContextOptions} [more]
     */
    async open(path, user = null, more = {}) {
      const context = await fixture.context(user, more);
      const page = await context.newPage();

      await page.goto(user ? `/auth?return=${path}` : path);
      await connected(page);
      return page;
    },
  };

  before(async () => {
    browser = await launchBrowser({ cache });

    if (!fixture.base) {
      nginx = await startNginx({ root: ROOT, change });
      fixture.base = nginx.base;
    }
  });

  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()));

    const found = complaints.filter((text) => !fixture.tolerate?.test(text));

    complaints = [];
    fixture.tolerate = null;
    assert.deepEqual(found, [], "the browser has complained");
  });

  after(async () => {
    await browser?.close();
    await nginx?.stop();
  });

  return fixture;
}

export function launchBrowser({ cache = false } = {}) {
  return chromium.launch({
    executablePath: browserPath(),
    args: ARGS,
    ignoreDefaultArgs: cache ? [CACHE_OFF] : [],
  });
}

/** @param {Page} page */
export async function connected(page) {
  await page.locator('[data-connection][data-status="open"]').waitFor();
}

/**
 * What axe finds wrong with the page as it stands, as text.
 *
 * The check is a script that the page's policy would not allow: it is
 * evaluated by the browser, not loaded by the page.
 *
 * @param {Page} page
 * @returns {Promise<string[]>}
 */
export async function faults(page) {
  await page.evaluate(await readFile(AXE, "utf8"));

  const { violations } = /** @type {import("axe-core").AxeResults} */ (
    await page.evaluate("axe.run()")
  );

  return violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`,
  );
}

/**
 * Waits until reading gives what is expected; fails with the difference.
 *
 * @template T
 * @param {() => Promise<T>} read
 * @param {T} expected
 * @param {string} [message]
 */
export async function becomes(read, expected, message) {
  const end = Date.now() + PATIENCE;
  let found = await read();

  while (!isDeepStrictEqual(found, expected) && Date.now() < end) {
    await new Promise((wake) => {
      setTimeout(wake, 20);
    });
    found = await read();
  }

  assert.deepEqual(found, expected, message);
}

function browserPath() {
  const names = process.env.CHROMIUM
    ? [process.env.CHROMIUM]
    : ["chromium", "chromium-browser"];
  const folders = ["", ...(process.env.PATH ?? "").split(delimiter)];
  const paths = names.flatMap((name) =>
    folders.map((folder) => join(folder, name)),
  );
  const path = paths.find(
    (candidate) => candidate.startsWith("/") && existsSync(candidate),
  );

  assert.ok(path, "no chromium found; set CHROMIUM");
  return path;
}
