// @ts-check
/** Break it: the page's own tally must hold, whatever is broken. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { becomes, connected, faults, tutorial } from "./lib.js";
import { settled, tally } from "./tally.js";

/** @typedef {import("playwright-core").Page} Page */

/** axe looks at colours that stand still. */
const STILL = /** @type {const} */ ({ reducedMotion: "reduce" });

const SKIP = process.env.BASE_URL ? "needs a server of its own" : false;

/** @param {Page} page  commands are on their way */
async function underWay(page) {
  await page.locator("[data-send]").click();
  await becomes(async () => (await tally(page)).open > 0, true);
}

describe("break it", () => {
  const site = tutorial();

  test("the connection is dropped, the cable pulled, the page reloaded", async () => {
    const [page, witness] = await Promise.all([
      site.open("/break.html", null, STILL),
      site.open("/break.html", null, STILL),
    ]);

    await page.locator('[name="server"][value="slow"]').check();
    await underWay(page);
    await page.locator("[data-drop]").click();
    await settled(page, 20);

    await underWay(page);
    await page.locator("[data-pull]").click();
    await page.locator('[data-connection][data-status="offline"]').waitFor();
    await page.locator("[data-send]").click();
    assert.equal((await tally(page)).asked, 60);
    assert.deepEqual(await faults(page), []);
    await page.locator("[data-pull]").click();
    await settled(page, 60);

    await underWay(page);
    await page.locator("[data-reload]").click();
    await connected(page);
    await settled(page, 80);

    assert.deepEqual(
      await tally(witness),
      Object.fromEntries(Object.keys(await tally(witness)).map((k) => [k, 0])),
      "others count their own",
    );

    await page.locator("[data-clear]").click();
    assert.equal((await tally(page)).asked, 0);
    await page.locator('[name="server"][value="fast"]').check();
    await page.locator("[data-send]").click();
    await settled(page, 20);
  });

  test("an unreliable server: what failed left nothing, and a retry is no second", async () => {
    const page = await site.open("/break.html", null, STILL);

    await page.locator('[name="server"][value="flaky"]').check();
    await page.locator("[data-send]").click();

    for (let tries = 0; tries < 40; tries++) {
      await becomes(async () => (await tally(page)).open, 0);

      const { answered, logged, failed, doubled, lost } = await tally(page);

      assert.deepEqual([logged, doubled, lost], [answered, 0, 0]);

      if (failed === 0) {
        break;
      }

      await page.locator("[data-retry]").click();
    }

    await settled(page, 20);
  });

  test("nginx is reloaded, and stopped and started", { skip: SKIP }, async () => {
    const page = await site.open("/break.html", null, STILL);

    site.tolerate = /WebSocket connection/;
    await page.locator("[data-stream]").click();
    await becomes(async () => (await tally(page)).asked > 5, true);

    const again = page.waitForEvent("websocket");

    site.nginx?.reload();
    await again;
    await connected(page);

    const { asked } = await tally(page);

    await becomes(async () => (await tally(page)).asked > asked + 5, true);
    await site.nginx?.pause();
    await page.locator('[data-connection][data-status="waiting"]').waitFor();
    await site.nginx?.resume();
    await connected(page);
    await page.locator("[data-stream]").click();
    await settled(page, (await tally(page)).asked);
  });
});
