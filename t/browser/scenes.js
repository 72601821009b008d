// @ts-check
/** What a page is about, as far as its second picture; tests look at it, too. */

/** @typedef {import("playwright-core").Page} Page */

/**
 * @type {Record<string, {user?: string, act: (page: Page) => Promise<void>}>}
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

  transfer: {
    act: async (page) => {
      await page.locator("[name=fee]").check();
      await page.getByRole("button", { name: "left → right" }).click();
      await page.locator('[data-verdict][data-state="ok"]').waitFor();
      await page.locator("[name=fee]").uncheck();
      await page.getByRole("button", { name: "left → closed" }).click();
      await page.locator('[data-account="left"][data-state="failed"]').waitFor();
    },
  },

  forms: {
    act: async (page) => {
      await page.locator("#words").fill("Thank you for the soup");
      await page.locator("#words").press("Enter");
      await page.locator("[data-guests] li").first().waitFor();
      await page.locator("#about").fill("Keeps the lamp, and the log of it");
      await page.locator("#name").fill("ada@lighthouse");
      await page.locator("[data-save]").click();
      await page.locator('#name[aria-invalid="true"]').waitFor();
    },
  },

  services: {
    act: async (page) => {
      await page.locator('[token-service="purchase"]').click();
      await page.locator("[token-log] li [token-field]").first().waitFor();
      await page.locator('[token-service="sold_out"]').click();
      await page
        .locator('[token-service="sold_out"][aria-invalid="true"]')
        .waitFor();
      // the picture of the slow one's way is not to show that of another
      await page.locator('[data-lane="backend"].lit').first().waitFor({
        state: "detached",
      });
      await page.locator('[token-service="toggle_slow"]').click();
      await page.locator('[data-lane="work"].lit >> visible=true').waitFor();
    },
  },

  break: {
    act: async (page) => {
      await page.locator("[data-send]").click();
      await page.locator('[data-dots] [data-state="ok"]').nth(15).waitFor();
      await page.locator("[data-pull]").click();
      await page.locator('[data-connection][data-status="offline"]').waitFor();
      await page.locator("[data-send]").click();
    },
  },

  inside: {
    act: async (page) => {
      await page.locator("[data-follow]").click();
      await page.locator('[data-about="5"].lit').waitFor();
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
