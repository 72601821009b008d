// @ts-check
/** The examples beside the tutorial, as `make run EXAMPLE=...` serves them. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, before, describe, test } from "node:test";

import { becomes, faults, launchBrowser, ROOT } from "./lib.js";
import { accepts, end, freePort } from "./nginx.js";

/** An example that is served, in a folder of its own.
 * @param {string} example */
async function serve(example) {
  const build = await mkdtemp(join(tmpdir(), "token-example-"));
  const [port, backend] = await Promise.all([freePort(), freePort()]);
  let said = "";

  const server = spawn(join(ROOT, "tools/run.sh"), {
    cwd: ROOT,
    env: {
      ...process.env,
      PATH: `${process.env.PATH}${delimiter}/usr/sbin${delimiter}/sbin`,
      BACKEND_PORT: String(backend),
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
    backend,
    build,

    async stop() {
      await end(server, "SIGQUIT");
      await becomes(() => accepts(backend), false, "its backend has ended");
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

/** The shop by itself.
 * @param {string} journal
 * @param {number} port */
async function startShop(journal, port) {
  const shop = spawn(
    process.execPath,
    [join(ROOT, "examples/shop/shop.mjs")],
    {
      env: { ...process.env, JOURNAL: journal, PORT: String(port) },
      stdio: ["ignore", "ignore", "inherit"],
    },
  );

  await becomes(() => accepts(port), true);
  return shop;
}

/**
 * @param {number} port
 * @param {string} key
 * @param {string} body
 * @returns {Promise<[status: number, answer: any]>}
 */
async function purchase(port, key, body) {
  const answer = await fetch(`http://127.0.0.1:${port}/purchase`, {
    method: "POST",
    headers: key ? { "Idempotency-Key": key } : {},
    body,
  });

  return [answer.status, await answer.json()];
}

/** The lines of a journal.
 * @param {string} journal */
async function sold(journal) {
  return (await readFile(journal, "utf8")).split("\n").slice(0, -1);
}

describe("the shop of examples", () => {
  /** @type {Awaited<ReturnType<typeof serve>>} */
  let site;
  /** @type {import("playwright-core").Browser} */
  let browser;
  /** @type {import("node:child_process").ChildProcess | undefined} */
  let again;

  before(async () => {
    [site, browser] = await Promise.all([serve("shop"), launchBrowser()]);
    await becomes(() => accepts(site.backend), true);
  });

  after(async () => {
    await browser?.close();
    if (again) await end(again, "SIGTERM");
    await site?.stop();
  });

  async function open() {
    const context = await browser.newContext({ baseURL: site.base });
    const page = await context.newPage();

    await page.goto("/");
    await page.locator('[data-status="open"]').waitFor();
    return page;
  }

  /** @typedef {import("playwright-core").Page} Page */
  /** @param {Page} page @param {string} item */
  const buy = (page, item) =>
    page.getByRole("button", { name: `Buy a ${item}` }).click();
  /** @param {Page} page @param {string} item */
  const left = (page, item) =>
    page.locator(`[token-atom="stock/${item}"]`).innerText();
  /** @param {Page} page @returns {Promise<string[]>} for instance "1001 1 cup" */
  const orders = async (page) =>
    (
      await page
        .locator(".orders li:not([token-none], [data-tx-status])")
        .allInnerTexts()
    ).map((text) => text.split("\n").slice(0, 2).join(" "));
  /** @param {Page} page */
  const refused = (page) => page.locator('.orders [data-tx-status="failed"]');

  test("what one buys both see, and what is sold out is said in words", async () => {
    const [one, two] = await Promise.all([open(), open()]);

    await one.locator("[token-none]:not([hidden])").waitFor();
    await becomes(() => left(one, "cup"), "12");
    assert.deepEqual(await faults(one), []);

    await buy(one, "cup");
    await becomes(() => orders(two), ["1001 1 cup"]);
    await buy(two, "lamp");

    for (const page of [one, two]) {
      await becomes(() => orders(page), ["1001 1 cup", "1002 1 lamp"]);
      await becomes(() => left(page, "cup"), "11");
      await becomes(() => left(page, "lamp"), "0");
    }

    await buy(one, "lamp");
    await becomes(
      () => refused(one).locator("[token-error]").innerText(),
      "Sold out: there is no lamp left.",
    );
    assert.deepEqual(await faults(one), []);

    await one.getByRole("button", { name: "Forget it" }).click();
    await becomes(() => refused(one).count(), 0);
    assert.deepEqual(await orders(two), ["1001 1 cup", "1002 1 lamp"]);
  });

  test("killed between its journal and its answer, the shop has sold it once", async (t) => {
    const [one, two] = await Promise.all([open(), open()]);
    const journal = join(site.build, "store/shop.journal");
    const pid = await readFile(join(site.build, "run/backend.pid"), "utf8");

    await becomes(async () => (await orders(one)).length, 2);
    process.kill(Number(pid), "SIGKILL");
    await becomes(() => accepts(site.backend), false);

    // another shop in its place, killed when it answers; nginx gets nothing
    const port = await freePort();
    const doomed = await startShop(journal, port);
    t.after(() => end(doomed, "SIGKILL"));
    const between = createServer(async (request, response) => {
      const chunks = await request.toArray();
      const key = String(request.headers["idempotency-key"]);

      await purchase(port, key, Buffer.concat(chunks).toString());
      await end(doomed, "SIGKILL");
      response.destroy();
    }).listen(site.backend, "127.0.0.1");
    between.unref();

    await once(between, "listening");
    await buy(one, "teapot");
    await refused(one).waitFor();
    assert.equal((await sold(journal)).length, 3, "it is sold");
    assert.equal((await orders(two)).length, 2, "and nobody knows");
    assert.equal(await left(two, "teapot"), "5");

    between.close();
    await once(between, "close");
    again = await startShop(journal, site.backend);

    // somebody else comes first
    await buy(two, "teapot");
    await becomes(async () => (await orders(one)).length, 3);
    await one.getByRole("button", { name: "Try again" }).click();

    for (const page of [one, two]) {
      await becomes(
        () => orders(page),
        ["1001 1 cup", "1002 1 lamp", "1004 1 teapot", "1003 1 teapot"],
      );
      await becomes(() => left(page, "teapot"), "3");
    }

    assert.equal(await refused(one).count(), 0);
    assert.equal((await sold(journal)).length, 4);
  });
});

describe("the shop's backend", () => {
  /** @type {string} */
  let folder;
  /** @type {import("node:child_process").ChildProcess} */
  let shop;
  /** @type {number} */
  let port;

  before(async () => {
    [folder, port] = await Promise.all([
      mkdtemp(join(tmpdir(), "token-shop-")),
      freePort(),
    ]);
    shop = await startShop(join(folder, "journal"), port);
  });

  after(async () => {
    await end(shop, "SIGTERM");
    await rm(folder, { recursive: true });
  });

  test("a key has one answer, also after a crash in the middle of a line", async () => {
    const journal = join(folder, "journal");
    const cups = '{"item":"cup","n":2}';
    const kill = () => end(shop, "SIGKILL");
    const [status, first] = await purchase(port, "a", cups);

    assert.equal(status, 200);
    assert.deepEqual(await purchase(port, "a", cups), [200, first]);

    await kill();
    await appendFile(journal, '{"key":"b","order":{"item":"cup","n":');
    shop = await startShop(journal, port);

    assert.deepEqual(await purchase(port, "a", cups), [200, first]);

    const [, second] = await purchase(port, "b", cups);

    assert.notEqual(second.order, first.order);
    assert.equal(second.left, first.left - 2);

    await kill();
    shop = await startShop(journal, port);
    assert.deepEqual(await purchase(port, "b", cups), [200, second]);
    assert.equal((await sold(journal)).length, 2);
  });

  test("what it does not sell it refuses in words", async () => {
    /** @type {[status: number, key: string, body: string][]} */
    const cases = [
      [409, "c", '{"item":"cup","n":1000}'],
      [422, "a", '{"item":"cup","n":1}'],
      [400, "", '{"item":"cup","n":1}'],
      [400, "c", '{"item":"toString","n":1}'],
      [400, "c", '{"item":"cup","n":-1}'],
      [400, "c", '{"item":"cup","n":0.5}'],
      [400, "c", '{"item":"cup"}'],
      [400, "c", "null"],
      [400, "c", "two cups"],
    ];

    for (const [status, key, body] of cases) {
      const [found, why] = await purchase(port, key, body);

      assert.equal(found, status, body);
      assert.equal(typeof why, "string", body);
    }
    assert.equal((await sold(join(folder, "journal"))).length, 2);
  });
});
