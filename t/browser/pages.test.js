// @ts-check
/** All pages: readable, usable, and what they show of the code is the code. */

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";

import { becomes, connected, faults, ROOT, tutorial } from "./lib.js";
import { scenes } from "./scenes.js";

const PAGES = (await readdir(join(ROOT, "html")))
  .filter((name) => name.endsWith(".html"))
  .map((name) => `/${name}`);

describe("every page", () => {
  const site = tutorial();

  for (const path of PAGES) {
    for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
      test(`${path} has no accessibility fault that axe can find, ${colorScheme}`, async () => {
        const user = path === "/chat.html" ? "alice" : null;
        const page = await site.open(path, user, {
          colorScheme,
          reducedMotion: "reduce",
        });

        if (user) {
          await page.locator("[data-flaky]").check();
          await page.locator("#text").fill("axe looks at a pending line, too");
          await page.locator("#text").press("Enter");
          await page
            .locator('.message[data-state="pending"]')
            .first()
            .waitFor();
        }

        assert.deepEqual(await faults(page), []);
      });
    }

    test(`${path} fits a narrow phone`, async () => {
      const page = await site.open(path, null, {
        viewport: { width: 360, height: 740 },
        reducedMotion: "reduce",
      });

      assert.equal(
        await page.evaluate(() => document.documentElement.scrollWidth),
        360,
      );
      assert.deepEqual(await faults(page), []);
    });

    test(`${path} fits it, without a fault, in the middle of what it is about, too`, async () => {
      const { user, act } = scenes[path.slice(1, -".html".length)];
      const page = await site.open(path, user, {
        viewport: { width: 360, height: 740 },
        reducedMotion: "reduce",
      });

      await act(page);

      for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
        await page.emulateMedia({ colorScheme });
        assert.equal(
          await page.evaluate(() => document.documentElement.scrollWidth),
          360,
        );
        assert.deepEqual(await faults(page), [], colorScheme);
      }
    });

    test(`${path} can be worked with the keyboard alone`, async () => {
      const page = await site.open(path, path === "/chat.html" ? "alice" : null);
      const count = await page.evaluate(markStops);
      const seen = [];

      assert.ok(count > 3);

      // the browser may stop at more, at what scrolls for instance
      for (let i = 0; i < 2 * count && seen.length < count; i++) {
        await page.keyboard.press("Tab");
        const stop = await page.evaluate(whereFocusIs);

        if (stop === null) continue;
        assert.ok(stop.visible, `the focus on ${stop.text} is seen`);
        seen.push(stop.number);
      }

      assert.deepEqual(
        seen,
        Array.from({ length: count }, (_, i) => i),
        "every control, in the order of the page",
      );
    });

    test(`${path} can be read without a script`, async () => {
      const context = await site.context(null, { javaScriptEnabled: false });
      const page = await context.newPage();
      const answer = await page.goto(path);

      assert.equal(await page.locator("h1").isVisible(), true);
      assert.equal(await page.locator("noscript").count(), 1);
      assert.ok((await page.locator("main").innerText()).length > 1000);
      assert.equal(
        answer?.headers()["content-security-policy"],
        "default-src 'self'",
      );
    });
  }

  test("nothing moves for those who do not want it", async () => {
    const context = await site.context();
    const page = await context.newPage();
    let moving = 0;

    for (const path of PAGES) {
      await page.emulateMedia({ reducedMotion: "no-preference" });
      await page.goto(path);
      await connected(page);
      moving += await page.evaluate(movable);
      await page.emulateMedia({ reducedMotion: "reduce" });
      assert.equal(await page.evaluate(movable), 0, path);
    }

    assert.ok(moving > 0, "others see it move");
  });

  test("the page that the start page shows is a page that works", async () => {
    const html = await readFile(join(ROOT, "html/index.html"), "utf8");
    const [, shown] = /<pre[^>]*data-page>([^]*?)<\/pre>/.exec(html) ?? [];
    // Its script is inline: the policy of these pages would not have it.
    const context = await site.context(null, { bypassCSP: true });
    const page = await context.newPage();

    // It names no icon, and the browser asks for one all the same.
    site.tolerate = /status of 404/;
    await page.goto("/css/tutorial.css");
    await page.setContent(plain(shown));

    const button = page.getByRole("button", { name: "Toggle" });
    const value = () => page.locator("output").innerText();
    // Off may be what is known, or that nothing is known yet.
    const other = await site.open("/index.html");
    const before = await known(other);

    await becomes(value, before);
    await button.click();
    await becomes(value, before === "on" ? "off" : "on");
    await becomes(() => button.isEnabled(), true);
  });

  for (const width of [320, 360, 700, 1280]) {
    test(`the header is as high, whatever it says of the connection, at ${width}`, async () => {
      const page = await site.open("/inside.html", null, {
        viewport: { width, height: 740 },
      });
      const heights = await page.evaluate(heightsOfHeader, [
        "connected",
        "offline",
        "closed",
        "not connected",
        "connecting …",
        "reconnecting …",
      ]);

      assert.equal(new Set(heights).size, 1, String(heights));
      assert.equal(
        await page.evaluate(() => document.documentElement.scrollWidth),
        width,
      );
    });

    test(`what the pages show of the code is seen whole, at ${width}`, async () => {
      for (const path of ["/chat.html", "/index.html", "/break.html"]) {
        const page = await site.open(path, null, {
          viewport: { width, height: 740 },
        });

        assert.deepEqual(
          await page
            .locator("pre")
            .evaluateAll((all) =>
              all.filter((pre) => pre.scrollWidth > pre.clientWidth),
            ),
          [],
        );
      }
    });
  }

  test("no button breaks its words, and what stands in a row is as high", async () => {
    for (const path of PAGES) {
      const page = await site.open(path, null, { reducedMotion: "reduce" });

      for (const width of [640, 768, 900, 1024, 1280]) {
        await page.setViewportSize({ width, height: 740 });
        assert.deepEqual(
          await page.evaluate(ragged),
          // more does not fit beside the picture
          width === 900 && path === "/forms.html"
            ? ["Somebody else changes the colour"]
            : [],
          `${path} at ${width}`,
        );
      }

      await page.close();
    }
  });

  test("without a connection that is what the pages say", async () => {
    const page = await site.open("/explainer.html");

    site.tolerate = /WebSocket connection|ERR_INTERNET_DISCONNECTED/;
    await page.context().setOffline(true);

    const status = page.getByRole("status").filter({ hasText: "offline" });

    await status.waitFor();
    await page.context().setOffline(false);
    await connected(page);
  });
});

describe("what is busy is yellow, and what has failed is pink", () => {
  const site = tutorial({
    change: (conf) => conf.replaceAll("fail 50%;", "fail 100%;"),
  });

  /** @typedef {import("playwright-core").Page} Page */
  /**
   * @type {Record<string, {
   *   path: string, user?: string, busy: string, failed: string,
   *   act: (page: Page) => Promise<void>, fail?: (page: Page) => Promise<void>
   * }>}  fail: where it does not by itself
   */
  const places = {
    "a button": {
      path: "/explainer.html",
      act: async (page) => {
        await page.locator("[data-flaky]").check();
        await page.locator("[data-toggle]").click();
      },
      busy: '[data-toggle][aria-busy="true"]',
      failed: '[data-toggle][aria-invalid="true"]',
    },
    "a field": {
      path: "/forms.html",
      act: async (page) => {
        await page.locator("#name").fill("Ada");
        await page.locator("[data-save]").click();
      },
      fail: async (page) => {
        await page.locator("#name").fill("a@b");
        await page.locator("[data-save]:enabled").click();
      },
      busy: '#name[aria-busy="true"]',
      failed: '#name[aria-invalid="true"]',
    },
    "an account": {
      path: "/transfer.html",
      act: (page) =>
        page.getByRole("button", { name: "left → closed" }).click(),
      busy: '[data-account="left"][data-state="busy"]',
      failed: '[data-account="left"][data-state="failed"]',
    },
    "a message": {
      path: "/chat.html",
      user: "alice",
      act: async (page) => {
        await page.locator("[data-flaky]").check();
        await page.locator("#text").fill("not today");
        await page.locator("#text").press("Enter");
      },
      busy: '.message[data-state="pending"]',
      failed: '.message[data-state="failed"]',
    },
  };

  for (const [name, place] of Object.entries(places)) {
    const { path, user, act, busy, failed, fail } = place;

    test(`${name}, light and dark`, async () => {
      const page = await site.open(path, user, { reducedMotion: "reduce" });
      const colours = async (/** @type {string} */ selector) => {
        const element = page.locator(selector);

        await page.emulateMedia({ colorScheme: "light" });
        const light = await element.evaluate(background);

        await page.emulateMedia({ colorScheme: "dark" });
        const dark = await element.evaluate(background);

        assert.notEqual(light, dark);
        return [light, dark].map(colourOf);
      };

      // busy for as long as there is no network
      site.tolerate = /WebSocket connection|ERR_INTERNET_DISCONNECTED/;
      await page.context().setOffline(true);
      await page.locator('[data-connection][data-status="offline"]').waitFor();
      await act(page);
      assert.deepEqual(await colours(busy), ["yellow", "yellow"]);
      await page.context().setOffline(false);
      await fail?.(page);
      assert.deepEqual(await colours(failed), ["pink", "pink"]);
    });
  }
});

describe("navigation", () => {
  const site = tutorial();

  test("the start page leads to twelve pages, in their order and back", async () => {
    const page = await site.open("/index.html");
    const links = await page
      .locator(".doors a")
      .evaluateAll((found) => found.map((link) => link.getAttribute("href")));

    assert.equal(links.length, 12);

    for (const path of [...links, "index.html"]) {
      await page.locator('.turn [rel="next"]').click();
      await page.waitForURL(`**/${path}`);
      await connected(page);
      assert.deepEqual(
        await page
          .locator("[data-menu] a")
          .evaluateAll((found) => found.map((link) => link.getAttribute("href"))),
        links,
      );
      assert.equal(
        await page.locator('.pages [aria-current="page"]').getAttribute("href"),
        path,
      );
    }
  });

  test("the list of pages opens and closes by the keyboard", async () => {
    const page = await site.open("/life.html");
    const menu = page.locator("[data-menu]");
    const summary = menu.locator("summary");

    await summary.focus();
    await page.keyboard.press("Enter");
    await menu.locator("a").first().waitFor();
    assert.deepEqual(await faults(page), []);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Escape");
    await menu.locator("a").first().waitFor({ state: "hidden" });
    assert.ok(await summary.evaluate((s) => s === document.activeElement));
  });
});

describe("excerpts", () => {
  for (const path of PAGES) {
    test(`what ${path} shows of a file stands in that file`, async () => {
      const html = await readFile(join(ROOT, "html", path), "utf8");
      const excerpts = html.matchAll(
        /<pre[^>]*data-source="([^"]+\.\w+)">([^]*?)<\/pre>/g,
      );

      for (const [, source, text] of excerpts) {
        const lines = (await readFile(join(ROOT, source), "utf8"))
          .split("\n")
          .map(squeeze);

        for (const line of plain(text)
          .split("\n")
          .map(squeeze)
          .filter(Boolean)) {
          assert.ok(lines.includes(line), `${source} has no line "${line}"`);
        }
      }
    });
  }
});

/** @param {import("playwright-core").Page} page */
async function known(page) {
  await page
    .locator('[data-lamp]:is([data-value="true"], [data-value="false"])')
    .waitFor();
  return page.locator("[data-lamp] output").innerText();
}

/**
 * In the page: how high the header is with each of these words.
 *
 * @param {string[]} words
 */
function heightsOfHeader(words) {
  const [bar] = document.getElementsByClassName("bar");
  const pill = document.querySelector("[data-connection]");

  return words.map((each) => {
    pill?.replaceChildren(each);
    return bar.getBoundingClientRect().height;
  });
}

/** In the page: buttons of several lines, rows of unequal cards and listings. */
function ragged() {
  const linesOf = (/** @type {Element} */ { firstChild }) => {
    const range = document.createRange();

    range.selectNodeContents(/** @type {Node} */ (firstChild));
    return new Set([...range.getClientRects()].map(({ top }) => top)).size;
  };
  const broken = [...document.querySelectorAll("button")].filter(
    (each) => each.checkVisibility() && linesOf(each) > 1,
  );
  const unequal = [
    ...document.querySelectorAll(".columns > .card + .card, figure + figure"),
  ].filter((each) => {
    const before = each.previousElementSibling?.getBoundingClientRect();
    const { top, height } = each.getBoundingClientRect();

    return before?.top === top && Math.abs(before.height - height) > 1;
  });

  return [...broken, ...unequal].map(({ textContent }) =>
    textContent?.trim().slice(0, 40),
  );
}

/** In the page: numbers what Tab has to stop at; of radio buttons, none. */
function markStops() {
  const all = document.querySelectorAll(
    "a[href], button, input:not([type=radio]), textarea, select, summary",
  );
  const stops = [...all].filter(
    (each) => each.checkVisibility() && !each.matches(":disabled"),
  );

  stops.forEach((each, i) => each.setAttribute("data-stop", String(i)));
  return stops.length;
}

/** In the page: how many elements change their looks step by step. */
function movable() {
  const isStill = (/** @type {string} */ times) => /^0s(, 0s)*$/.test(times);

  return [...document.querySelectorAll("*")]
    .flatMap((each) =>
      [undefined, "::before", "::after"].map((part) =>
        getComputedStyle(each, part),
      ),
    )
    .filter(
      (style) =>
        !isStill(style.transitionDuration) ||
        style.animationName !== "none" ||
        style.scrollBehavior !== "auto",
    ).length;
}

/** In the page: the stop that has the focus, and whether that is seen. */
function whereFocusIs() {
  const at = document.activeElement;
  const number = at?.getAttribute("data-stop");
  if (!at || number === null || number === undefined) return null;

  // or on the card that it is the link of
  const outlined = [at, at.closest("li")].some(
    (each) => each && getComputedStyle(each).outlineStyle !== "none",
  );

  return {
    number: Number(number),
    text: at.textContent?.trim().slice(0, 40) || at.id,
    visible: outlined,
  };
}

/** In the page. @param {Element} element */
function background(element) {
  return getComputedStyle(element).backgroundColor;
}

/**
 * @param {string} rgb
 * @returns {string} a name for its hue
 */
function colourOf(rgb) {
  const [r, g, b] = (rgb.match(/\d+/g) ?? []).map(Number);
  const range = Math.max(r, g, b) - Math.min(r, g, b);
  const degrees = 60 * ((g - b) / range);

  if (r < g || r < b || range < 30) return rgb;
  if (degrees > 35 && degrees < 65) return "yellow";
  if (degrees > -45 && degrees < -5) return "pink";
  return rgb;
}

/** @param {string} text */
function squeeze(text) {
  return text.replace(/\s+/g, " ").trim();
}

/** @param {string} html */
function plain(html) {
  return html
    .replace(/<[^>]*>/g, "")
    .replace(/&lt;/g, "<")
    .replace(/&gt;/g, ">")
    .replace(/&amp;/g, "&");
}
