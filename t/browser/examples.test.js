// @ts-check
/** The examples beside the tutorial, as `make run EXAMPLE=...` serves them. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, before, describe, test } from "node:test";

import { becomes, faults, launchBrowser, ROOT } from "./lib.js";
import { accepts, end, freePort } from "./nginx.js";

/** An example that is served, in a folder of its own.
 * @param {string} example */
async function serve(example) {
  const build = await mkdtemp(join(tmpdir(), "token-example-"));
  const port = await freePort();
  let said = "";

  const server = spawn(join(ROOT, "tools/run.sh"), {
    cwd: ROOT,
    env: {
      ...process.env,
      PATH: `${process.env.PATH}${delimiter}/usr/sbin${delimiter}/sbin`,
      BUILD: build,
      EXAMPLE: example,
      MODULE:
        process.env.TOKEN_MODULE ??
        join(ROOT, "build/ngx_http_token_module.so"),
      PORT: String(port),
      STORE: join(build, "store"),
      WORKERS: "2",
    },
    stdio: ["ignore", "ignore", "pipe"],
  });

  server.stderr.on("data", (chunk) => {
    said += chunk;
  });

  await becomes(
    async () => server.exitCode !== null || (await accepts(port)),
    true,
  );
  assert.equal(server.exitCode, null, said);

  return {
    base: `http://127.0.0.1:${port}`,

    async stop() {
      await end(server, "SIGQUIT");
      await rm(build, { recursive: true });
      assert.doesNotMatch(said, /\[(alert|emerg|crit)\]|Sanitizer/);
    },
  };
}

describe("the chat of examples", () => {
  /** @type {Awaited<ReturnType<typeof serve>>} */
  let site;
  /** @type {import("playwright-core").Browser} */
  let browser;

  before(async () => {
    [site, browser] = await Promise.all([serve("chat"), launchBrowser()]);
  });

  after(async () => {
    await browser?.close();
    await site?.stop();
  });

  /** @param {string} [username] */
  async function open(username) {
    const context = await browser.newContext({
      baseURL: site.base,
      ...(username ? { httpCredentials: { username, password: "" } } : {}),
    });
    const page = await context.newPage();

    await page.goto(username ? "/login?return=/" : "/");
    return page;
  }

  /** @param {import("playwright-core").Page} page */
  const lines = (page) => page.locator("li").allInnerTexts();

  test("two talk, a third reads, and it is there after a reload", async () => {
    const [alice, bob, nobody] = await Promise.all([
      open("alice"),
      open("bob"),
      open(),
    ]);
    const field = nobody.locator("input");

    await becomes(() => field.getAttribute("placeholder"), "Log in to chat");
    assert.equal(await field.isDisabled(), true);
    assert.equal(await nobody.locator("a").isVisible(), true);
    assert.equal(await alice.locator("a").isVisible(), false);
    await becomes(
      () => nobody.locator("p").first().innerText(),
      "You are connected. Here: 3. Log in",
    );

    await alice.locator("input").fill("hello <b>");
    await alice.locator("input").press("Enter");
    await bob.locator("input").fill("hello, alice");
    await bob.locator("input").press("Enter");

    for (const page of [alice, bob, nobody]) {
      await becomes(
        async () => (await lines(page)).sort(),
        ["alice hello <b>", "bob hello, alice"],
      );
    }

    const before = await lines(bob);

    await bob.reload();
    await becomes(() => lines(bob), before);
    assert.deepEqual(await faults(bob), []);
  });
});
