// @ts-check
/** What the tests of the chat share: saying something, and reading the page. */

/** @typedef {import("playwright-core").Page} Page */

export const CHAT = "/chat.html";

let made = 0;

/** A text that no other test has said. */
export function text(what = "message") {
  return `${what} ${process.pid}-${String(++made).padStart(3, "0")}`;
}

/**
 * @param {Page} page
 * @param {string} words
 */
export async function say(page, words) {
  await page.locator("#text").fill(words);
  await page.locator("#text").press("Enter");
}

/**
 * @param {Page} page
 * @param {string} words
 */
export function line(page, words) {
  return page.locator(".message", {
    has: page.locator(".what", { hasText: words }),
  });
}

/**
 * The lines that hold certain words, as [text, state].
 *
 * @param {Page} page
 * @param {string} words
 */
export function lines(page, words) {
  return line(page, words).evaluateAll((items) =>
    items.map((item) => [
      item.querySelector(".what")?.textContent,
      /** @type {HTMLElement} */ (item).dataset.state,
    ]),
  );
}

/** @param {Page} page */
export function people(page) {
  return page.locator("[data-people] li").evaluateAll((items) =>
    items.map((item) =>
      [...item.children]
        .map((part) => part.textContent)
        .filter(Boolean)
        .join(" "),
    ),
  );
}

export const count = (/** @type {Page} */ page) =>
  page.locator("[data-count]").innerText();
