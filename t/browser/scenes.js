// @ts-check
/** What happens on a page before its second picture is taken. */

/** @typedef {import("playwright-core").Page} Page */

/**
 * @type {Record<string, {user?: string, act?: (page: Page) => Promise<void>}>}
 */
export const scenes = {
  index: {
    act: async (page) => {
      await page.locator("[data-menu] summary").click();
    },
  },

  explainer: {
    act: async (page) => {
      await page.locator("[data-toggle]").click();
      await page.locator('[data-toggle][aria-busy="true"]').waitFor();
    },
  },

  life: {
    act: async (page) => {
      await page.locator('[data-scenes] [value="ok"]').click();
      await page.locator('[data-life][data-state="ok"]').waitFor();
    },
  },

  journal: {
    act: async (page) => {
      await page.locator("#text").fill("The ferry has left");
      await page.locator("[data-write]").click();
      await page.locator("[data-journal] li").first().waitFor();
      await page.locator("#text").fill("The lamp is lit");
      await page.locator("[data-flaky]").check();
      await page.locator("[data-write]").click();
      await page.locator('[data-write][aria-busy="true"]').waitFor();
    },
  },

  upvote: {
    act: async (page) => {
      await page.locator('[data-ballot] [value="bench"]').click();
      await page.locator('[data-stamp][data-state="busy"]').waitFor();
    },
  },

  search: {
    user: "alice",
    act: async (page) => {
      await page.locator('[data-offer][data-known="true"]').waitFor({
        state: "attached",
      });

      if (await page.locator("[data-fill]").isVisible()) {
        await page.locator("[data-fill]").click();
        await page.locator("[data-offer]").waitFor({ state: "hidden" });
      }

      await page.locator("#q").pressSequentially("light", { delay: 60 });
      await page.locator("[data-found] li").first().waitFor();
    },
  },

  concurrent: {
    act: async (page) => {
      await page.locator('[data-desk] [value="5"]').click();
      await page.locator("[data-delivered] li").first().waitFor();
    },
  },

  chat: {
    user: "alice",
    act: async (page) => {
      await page.locator("[data-flaky]").check();
      await page.locator("#text").fill("Good morning");
      await page.locator("#text").press("Enter");
      await page.locator('.message[data-state="pending"]').waitFor();
    },
  },
};
