// @ts-check
/**
 * Pictures of every page, for a person to look through: in light and dark, on
 * a phone, a tablet and a desk.  `make shots` writes them to build/shots/.
 *
 *     node browser/screenshots.mjs [page ...]     default: all
 *     SHOTS       the folder; BASE_URL, NGINX, CHROMIUM: see lib.js
 */

import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { argv, env } from "node:process";

import { connected, launchBrowser, ROOT } from "./lib.js";
import { startNginx } from "./nginx.js";
import { scenes } from "./scenes.js";

const FOLDER = env.SHOTS ?? join(ROOT, "build/shots");
const WIDTHS = [360, 768, 1280];
const SCHEMES = /** @type {const} */ (["light", "dark"]);

const files = await readdir(join(ROOT, "html"));
const all = files
  .filter((name) => name.endsWith(".html"))
  .map((name) => name.slice(0, -".html".length));
const names = argv.length > 2 ? argv.slice(2) : all;

await mkdir(FOLDER, { recursive: true });

const nginx = env.BASE_URL ? null : await startNginx({ root: ROOT });
const browser = await launchBrowser();

try {
  for (const name of names) {
    for (const width of WIDTHS) {
      for (const colorScheme of SCHEMES) {
        await shoot(name, width, colorScheme);
      }
    }
  }
} finally {
  await browser.close();
  await nginx?.stop();
}

/**
 * One page in one look: at rest, and in the middle of what it is about.
 *
 * @param {string} name
 * @param {number} width
 * @param {(typeof SCHEMES)[number]} colorScheme
 */
async function shoot(name, width, colorScheme) {
  const scene = scenes[name] ?? {};
  const context = await browser.newContext({
    baseURL: env.BASE_URL ?? nginx?.base,
    viewport: { width, height: width < 600 ? 780 : 900 },
    colorScheme,
    reducedMotion: "reduce",
    ...(scene.user
      ? { httpCredentials: { username: scene.user, password: "" } }
      : {}),
  });
  const page = await context.newPage();
  const path = `/${name}.html`;
  const file = (/** @type {string} */ state) =>
    join(FOLDER, `${name}-${width}-${colorScheme}${state}.png`);

  await page.goto(scene.user ? `/auth?return=${path}` : path);
  await connected(page);
  await page.screenshot({ path: file(""), fullPage: true });

  if (scene.act) {
    await scene.act(page);
    // what is sticky stands where it does at the top of the page
    await page.evaluate(() => scrollTo(0, 0));
    await page.screenshot({ path: file("-act"), fullPage: true });
  }

  await context.close();
}
