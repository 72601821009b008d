// @ts-check
/** The chat: a shared log, users, and who is here. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { CHAT, count, line, lines, people, say, text } from "./chat.js";
import { becomes, tutorial } from "./lib.js";

describe("the chat", () => {
  // Whoever leaves is gone soon: the tests see many come and go.
  const site = tutorial({
    change: (conf) => conf.replace(/grace=3s/, "grace=300ms"),
  });

  test("the nameless can read, not write", async () => {
    const page = await site.open(CHAT);

    assert.equal(await page.locator("#text").isDisabled(), true);
    assert.equal(
      await page.locator("#text").getAttribute("placeholder"),
      "Login to chat",
    );
    assert.equal(await page.locator("[data-send]").isDisabled(), true);
    assert.equal(await page.locator("[data-login]").isVisible(), true);
  });

  test("log in, talk to each other, log out", async () => {
    const [alice, bob] = await Promise.all([
      site.open(CHAT, "alice"),
      site.open(CHAT, "bob"),
    ]);
    const hello = text("hello bob");
    const back = text("hello alice");

    assert.equal(
      await alice.locator("#text").getAttribute("placeholder"),
      "Send message",
    );
    await say(alice, hello);
    assert.equal(
      await alice.locator("#text").inputValue(),
      "",
      "the field is empty at once",
    );
    await becomes(() => lines(bob, hello), [[hello, "accepted"]]);
    await say(bob, back);
    await becomes(() => lines(alice, back), [[back, "accepted"]]);
    await becomes(() => lines(alice, hello), [[hello, "accepted"]]);

    assert.equal(
      await line(alice, hello).locator(".who").innerText(),
      "alice (you)",
    );
    assert.equal(await line(bob, hello).locator(".who").innerText(), "alice");
    assert.equal(await line(alice, back).locator(".who").innerText(), "bob");

    await alice.locator("[data-logout]").click();
    await becomes(
      () => alice.locator("#text").getAttribute("placeholder"),
      "Login to chat",
    );
    await becomes(() => lines(alice, hello), [[hello, "accepted"]]);
  });

  test("ten messages in one breath arrive in order, once each", async () => {
    const [alice, bob] = await Promise.all([
      site.open(CHAT, "alice"),
      site.open(CHAT, "bob"),
    ]);
    const word = text("rapid");
    const ten = Array.from({ length: 10 }, (_, i) => `${word} no ${i}`);

    await alice.locator("#text").evaluate((field, all) => {
      const input = /** @type {HTMLInputElement} */ (field);

      for (const words of all) {
        input.value = words;
        input.form?.requestSubmit();
      }
    }, ten);

    const expected = ten.map((words) => [words, "accepted"]);

    await becomes(() => lines(bob, word), expected);
    await becomes(() => lines(alice, word), expected);
  });

  test("text stays text", async () => {
    const [alice, bob] = await Promise.all([
      site.open(CHAT, "alice"),
      site.open(CHAT, "bob"),
    ]);
    const evil = `<img src=x onerror=alert(1)> & "quotes" \\ ${text("é漢字🎟️")}`;

    await say(alice, evil);
    await becomes(() => lines(bob, evil), [[evil, "accepted"]]);
    assert.equal(await bob.locator(".message img").count(), 0);
  });

  test("who reads further up is not disturbed", async () => {
    const [alice, bob] = await Promise.all([
      site.open(CHAT, "alice"),
      site.open(CHAT, "bob"),
    ]);
    const log = alice.locator("[data-log]");
    const jump = alice.locator("[data-jump]");
    const news = text("news");
    const top = () => log.evaluate((element) => element.scrollTop);
    const below = () =>
      log.evaluate((e) =>
        Math.round(e.scrollHeight - e.scrollTop - e.clientHeight),
      );

    // The page knows of it when the event has come, a frame later.
    const up = () =>
      log.evaluate(
        (element) =>
          new Promise((known) => {
            element.addEventListener("scroll", () => known(null), {
              once: true,
            });
            element.scrollTo(0, 40);
          }),
      );

    for (let i = 0; i < 12; i++) {
      await say(bob, text("filler"));
    }

    const last = text("filler");

    await say(bob, last);
    await becomes(() => lines(alice, last), [[last, "accepted"]]);
    await becomes(below, 0, "the end stays in view");

    await up();
    await becomes(top, 40);
    await say(bob, news);
    await becomes(() => lines(alice, news), [[news, "accepted"]]);
    await jump.waitFor();
    assert.ok((await below()) > 100, "the log has not moved to its end");

    await jump.click();
    await becomes(below, 0);
    assert.equal(await jump.isVisible(), false);

    await up();
    await becomes(top, 40);
    await say(alice, text("own words are always seen"));
    await becomes(below, 0);
  });

  test("presence follows tabs and users as they come and go", async () => {
    const watcher = await site.open(CHAT);

    await becomes(() => people(watcher), ["anon"]);

    const alice = await site.open(CHAT, "alice");

    await becomes(() => people(watcher), ["alice", "anon"]);
    await becomes(() => people(alice), ["alice (you)", "anon"]);
    assert.equal(await count(watcher), "2");

    const second = await alice.context().newPage();

    await second.goto(CHAT);
    await becomes(() => people(watcher), ["alice 2 tabs", "anon"]);
    assert.equal(await count(watcher), "2");

    const bob = await site.open(CHAT, "bob");

    await becomes(() => people(watcher), ["alice 2 tabs", "bob", "anon"]);
    await second.close();
    await becomes(() => people(watcher), ["alice", "bob", "anon"]);
    await bob.context().close();
    await becomes(() => people(watcher), ["alice", "anon"]);
    await alice.context().close();
    await becomes(() => people(watcher), ["anon"]);
    assert.equal(await count(watcher), "1");
  });
});
