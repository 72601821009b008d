import test from "node:test";
import assert from "node:assert/strict";
import { start } from "../../html/token/html.js";
import { World, listen, turn } from "./fake.js";
import { Page } from "./page.js";

/** a page that is bound, and the server's side of it */
async function open(html, { hello, ...options } = {}) {
  const page = new Page(html);
  const world = options.world ?? new World(options);
  const bound = start(page.document, { url: "/live", open: () => world.live });
  await turn();
  if (hello !== null) await world.socket.hello(hello);
  const sent = async () => {
    await world.clock.pass(0);
    return world.socket.take().filter(({ type }) => type === "token" || type === "cancel");
  };
  const outcome = async (id, outcome, more) => {
    await world.socket.say({ type: "outcome", id, outcome, seq: 1, ...more });
  };
  const say = (...messages) => world.socket.say(...messages);
  return { page, world, bound, sent, outcome, say };
}

const watching = (channel, kind, seq = 0) =>
  ({ type: "watching", channel, kind, epoch: "e", seq, recovered: false });
const record = (seq, text, more) =>
  ({ type: "record", channel: "chat", seq, token: `t${seq}`, user: "bob", time: seq, value: { text }, ...more });

test("button: a click asks for the service with its value, and the button is busy", async () => {
  const { page, sent } = await open(`<button token-service="add" token-value='{"n":2}'>Add</button>`);
  const button = page.$("button");
  button.click();
  const [{ service, value }] = await sent();
  assert.deepEqual([service, value], ["add", { n: 2 }]);
  assert.deepEqual(
    [button.disabled, button.getAttribute("aria-busy"), button.dataset.txStatus], [true, "true", "busy"]);
});

test("button: ok is accepted, and the button is ready again", async () => {
  const { page, sent, outcome } = await open(`<button token-service="toggle">Toggle</button>`);
  const button = page.$("button");
  button.focus();
  button.click();
  button.blur();
  const [{ id, value }] = await sent();
  assert.equal(value, undefined);
  await outcome(id, "ok");
  assert.deepEqual([button.disabled, button.hasAttribute("aria-busy"), button.dataset.txStatus], [false, false, "accepted"]);
  assert.equal(page.document.activeElement, button);
});

test("button: an error stands beside it as an alert, and the next click is the retry", async () => {
  const { page, sent, outcome } = await open(
    `<button token-service="toggle" token-failed="Retry" token-busy="Wait">Toggle</button>`);
  const button = page.$("button");
  button.click();
  assert.equal(button.textContent, "Wait");
  const [{ id }] = await sent();
  await outcome(id, "failed", { error: { code: "service_failed", message: "by chance" } });
  const place = page.$("[token-error]");
  assert.deepEqual([place.textContent, place.getAttribute("role")], ["by chance", "alert"]);
  assert.deepEqual(
    [button.disabled, button.getAttribute("aria-invalid"), button.dataset.txStatus, button.textContent],
    [false, "true", "failed", "Retry"]);
  button.click();
  assert.equal(place.textContent, "");
  const [again] = await sent();
  assert.equal(again.id, id);
  await outcome(again.id, "ok");
  assert.equal(button.textContent, "Toggle");
  button.click();
  assert.notEqual((await sent())[0].id, id);
});

test("button: the error goes where the page has a place for it", async () => {
  const { page, sent, outcome } = await open(
    `<button token-service="x" aria-describedby="hint problem">X</button><p id="hint"></p><p id="problem" token-error></p>`);
  page.$("button").click();
  const [{ id }] = await sent();
  await outcome(id, "rejected", { error: { code: "bad_value" } });
  assert.equal(page.$("#problem").textContent, "bad_value");
  assert.equal(page.$$("[token-error]").length, 1);
});

test("button: an unknown outcome is for a person to decide", async () => {
  const { page, sent, outcome } = await open(`<button token-service="pay">Pay</button>`);
  page.$("button").click();
  const [{ id }] = await sent();
  await outcome(id, "interrupted");
  assert.match(page.$("[token-remedy]").textContent, /not known/);
  assert.equal(page.$("button").disabled, true);
  page.$("[token-discard]").click();
  assert.equal(page.$("[token-remedy]"), null);
  assert.equal(page.$("button").disabled, false);
});

test("button: what a reload has left unanswered makes it busy again", async () => {
  const html = `<button token-service="a">A</button><button token-service="b">B</button>`;
  const first = await open(html);
  first.page.$("button").click();
  const [{ id }] = await first.sent();
  await first.world.leave();
  const { storage, locks, clock } = first.world;
  const next = await open(html, { storage: storage.view(), locks, clock });
  await turn();
  const [a, b] = next.page.$$("button");
  assert.deepEqual([a.disabled, b.disabled], [true, false]);
  await next.outcome(id, "ok");
  assert.deepEqual([a.disabled, a.dataset.txStatus], [false, "accepted"]);
});

test("form: what a reload has left unanswered is in it again, and settles it", async () => {
  const html = `<form token-service="save"><input name="name"><button>Save</button></form>`;
  const first = await open(html);
  first.page.type("input", "ann");
  first.page.submit();
  const [{ id }] = await first.sent();
  await first.world.leave();
  const { storage, locks, clock } = first.world;
  const next = await open(html, { storage: storage.view(), locks, clock });
  await turn();
  assert.equal(next.page.$("input").value, "ann");
  assert.equal(next.page.$("form").getAttribute("aria-busy"), "true");
  assert.equal(next.page.$("button").disabled, true);
  await next.outcome(id, "ok");
  assert.notEqual(next.page.$("form").getAttribute("aria-busy"), "true");
  assert.equal(next.page.$("button").disabled, false);
});

test("said: what has been done is said, where the page has words for it, and again the next time", async () => {
  const { page, sent, outcome } = await open(`<button token-service="add">Add</button>
    <p token-said token-accepted="Added"></p><p token-error></p>`);
  const [said, error] = page.$$("p");
  assert.deepEqual([said.textContent, said.getAttribute("role")], ["", "status"]);
  for (const n of [1, 2]) {
    page.$("button").click();
    assert.equal(said.textContent, "", `before the answer ${n}`);
    const [{ id }] = await sent();
    await outcome(id, "ok");
    assert.deepEqual([said.textContent, said.dataset.txStatus], ["Added", "accepted"]);
  }
  page.$("button").click();
  const [{ id }] = await sent();
  await outcome(id, "failed", { error: { code: "service_failed", message: "by chance" } });
  // the error is an alert already
  assert.deepEqual([said.textContent, said.dataset.txStatus, error.textContent], ["", undefined, "by chance"]);
  assert.equal(page.$$("[token-error]").length, 1);
});

test("said: busy is said when it lasts, and only then", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { page, sent, outcome, bound } = await open(
    `<button token-service="add">Add</button><output token-said token-busy="Adding …"></output>`);
  const said = page.$("output");
  page.$("button").click();
  const [quick] = await sent();
  t.mock.timers.tick(399);
  assert.equal(said.textContent, "");
  await outcome(quick.id, "ok");
  t.mock.timers.tick(1000);
  assert.equal(said.textContent, "");
  page.$("button").click();
  const [slow] = await sent();
  t.mock.timers.tick(400);
  assert.deepEqual([said.textContent, said.dataset.txStatus], ["Adding …", "busy"]);
  await outcome(slow.id, "ok");
  assert.deepEqual([said.textContent, said.dataset.txStatus], ["", undefined]);
  page.$("button").click();
  bound.stop();
  t.mock.timers.tick(1000);
  assert.equal(said.textContent, "");
});

test("said: a form says it in its own place, until somebody types", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { page, sent, outcome } = await open(`<form token-service="save"><input name="name"><button>Save</button>
    <output token-said token-dirty="Not saved" token-busy="Saving …" token-accepted="Saved"></output></form>`);
  const said = () => page.$("output").textContent;
  page.type("input", "ann");
  assert.equal(said(), "Not saved");
  page.submit();
  assert.equal(said(), "");
  t.mock.timers.tick(400);
  assert.equal(said(), "Saving …");
  const [{ id }] = await sent();
  await outcome(id, "ok");
  assert.equal(said(), "Saved");
  page.type("input", "bob");
  assert.equal(said(), "Not saved");
});

test("said: a control by itself is busy while its value waits", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { page, sent, outcome } = await open(`<input type="checkbox" token-service="set" aria-label="on" aria-describedby="said">
    <p>text</p><output id="said" token-said token-busy="Setting …" token-accepted="Set"></output>`);
  page.tick("input");
  const [{ id }] = await sent();
  t.mock.timers.tick(400);
  assert.equal(page.$("output").textContent, "Setting …");
  await outcome(id, "ok");
  assert.equal(page.$("output").textContent, "Set");
});

test("atom: its value is shown, with the words that the element has for it", async () => {
  const { page, say } = await open(`<output token-atom="switch" token-true="on" token-false="off" token-class="lit">…</output>
    <b token-atom="doc" token-path="a.n" token-format="number"></b><meter token-atom="n" max="10"></meter>`);
  const output = page.$("output");
  assert.equal(output.textContent, "…");
  await say(watching("switch", "atom"), { type: "atom", channel: "switch", seq: 1, value: true },
    watching("doc", "atom"), { type: "atom", channel: "doc", seq: 1, value: { a: { n: 1234 } } },
    watching("n", "atom"), { type: "atom", channel: "n", seq: 1, value: 7 });
  assert.deepEqual([output.textContent, output.className, output.dataset.value], ["on", "lit", "true"]);
  assert.equal(page.$("b").textContent, (1234).toLocaleString());
  assert.equal(page.$("meter").value, 7);
  await say({ type: "atom", channel: "switch", seq: 2, value: false });
  assert.deepEqual([output.textContent, output.className], ["off", ""]);
});

test("data is text, whatever it looks like", async () => {
  const evil = `<img src=x onerror="alert(1)">`;
  const { page, say } = await open(`<output token-atom="a"></output>
    <ul token-log="chat"><template><li token-field="value.text"></li></template></ul>`);
  await say(watching("a", "atom"), { type: "atom", channel: "a", seq: 1, value: evil },
    watching("chat", "log", 1), record(1, evil));
  assert.equal(page.$("img"), null);
  assert.deepEqual([page.$("output").textContent, page.$("li").textContent], [evil, evil]);
});

test("an atom that the location does not allow is said on the element", async () => {
  const { page, say } = await open(`<output token-atom="nope"></output>`);
  await say({ type: "error", code: "unknown_channel", message: "no", channel: "nope" });
  assert.equal(page.$("output").dataset.error, "unknown_channel");
});

const CHAT = `<ul token-log="chat" token-last="50" token-optimistic="send">
    <template><li><b token-field="user" token-empty="anon"></b> <span token-field="value.text"></span>
      <time token-field="time"></time></li></template>
    <li token-none>Nobody has said anything.</li><li class="old">loading</li></ul>
  <form token-service="send" token-concurrent>
    <fieldset token-enabled="user">
      <input name="text" aria-label="Message" required maxlength="100" placeholder="Send message" token-placeholder="Login to chat">
    </fieldset></form>`;
const lines = (page) => page.$$("li:not([token-none])").map((li) => li.querySelector("span").textContent);

test("log: rows come from the template, what stood there goes, an empty one says so", async () => {
  const { page, say } = await open(CHAT);
  assert.notEqual(page.$(".old"), null);
  assert.equal(page.$("[token-none]").hidden, true);
  assert.equal(page.$("ul").getAttribute("aria-live"), "off");
  await say(watching("chat", "log"), { type: "synced", channel: "chat", seq: 0 });
  assert.deepEqual([page.$(".old"), page.$("[token-none]").hidden], [null, false]);
  assert.equal(page.$("ul").getAttribute("aria-live"), "polite");
  await say(record(1, "a"), record(2, "b", { user: null }), record(3, "c", { user: "alice" }));
  assert.deepEqual(lines(page), ["a", "b", "c"]);
  assert.deepEqual(page.$$("b").map((b) => b.textContent), ["bob", "anon", "alice"]);
  assert.deepEqual(page.$$("li").filter((li) => "mine" in li.dataset).length, 1);
  assert.equal(page.$("time").dateTime, "1970-01-01T00:00:00.001Z");
  assert.equal(page.$("[token-none]").hidden, true);
});

test("while the page loads nothing is busy: only what was asked for is", async () => {
  const { page, say, world } = await open(
    `${CHAT}<button token-service="x">X</button><output token-atom="a"></output>`, { hello: null });
  const isBusy = () => page.$$("[aria-busy], [data-tx-status]").length > 0;
  assert.equal(isBusy(), false);
  await world.socket.hello();
  await say(watching("chat", "log", 1));
  assert.equal(isBusy(), false);
  await say(record(1, "a"));
  assert.equal(isBusy(), false);
});

test("log: asks for as many of the last records as the page shows", async () => {
  const { world } = await open(CHAT);
  const watches = world.socket.take().filter(({ type }) => type === "watch");
  assert.deepEqual(watches.map(({ channel, last }) => [channel, last]), [["chat", 50]]);
});

test("log: what is sent is a row at once, and the same row when the record is here", async () => {
  const { page, say, sent, outcome } = await open(CHAT);
  await say(watching("chat", "log"), { type: "synced", channel: "chat", seq: 0 });
  for (const text of ["one", "two"]) {
    page.type("input", text);
    page.submit();
    assert.equal(page.$("input").value, "");
  }
  assert.deepEqual(lines(page), ["one", "two"]);
  const row = page.$("li:not([token-none])");
  assert.deepEqual([row.dataset.txStatus, row.getAttribute("aria-busy")], ["busy", "true"]);
  const [one] = await sent();
  assert.deepEqual([one.service, one.value], ["send", { text: "one" }]);
  await say(record(1, "one", { token: one.id, user: "alice" }));
  await outcome(one.id, "ok");
  assert.equal(page.$("li:not([token-none])"), row);
  assert.deepEqual([row.dataset.txStatus, row.hasAttribute("aria-busy")], [undefined, false]);
  assert.deepEqual(lines(page), ["one", "two"]);
});

test("log: a failed row has Retry, which keeps the id, and Discard", async () => {
  const { page, say, sent, outcome } = await open(CHAT);
  await say(watching("chat", "log"), { type: "synced", channel: "chat", seq: 0 });
  page.type("input", "one");
  page.submit();
  const [one] = await sent();
  await outcome(one.id, "failed", { error: { code: "service_failed", message: "by chance" } });
  const row = page.$("li:not([token-none])");
  assert.equal(row.dataset.txStatus, "failed");
  assert.match(row.textContent, /by chance/);
  page.$("[token-retry]").click();
  assert.equal(row.dataset.txStatus, "busy");
  assert.equal(page.$("[token-remedy]"), null);
  const [again] = await sent();
  assert.equal(again.id, one.id);
  await outcome(one.id, "failed", { error: { code: "service_failed" } });
  page.$("[token-discard]").click();
  assert.deepEqual(lines(page), []);
  assert.equal(page.document.activeElement, page.$("ul"));
});

test("log: the template may have its own Retry, Discard and error", async () => {
  const { page, say, sent, outcome } = await open(`<ul token-log="chat" token-optimistic="send"><template><li>
      <span token-field="value.text"></span><i token-error></i>
      <button token-retry>again</button></li></template></ul>
    <button id="b" token-service="send" token-value='{"text":"x"}'>Send</button>`);
  await say(watching("chat", "log"), { type: "synced", channel: "chat", seq: 0 });
  page.$("#b").click();
  assert.equal(page.$("[token-retry]").hidden, true);
  const [{ id }] = await sent();
  await outcome(id, "interrupted");
  assert.deepEqual([page.$("[token-retry]").hidden, page.$("i").textContent], [false, "interrupted"]);
});

test("row: a button can ask with what is in its record", async () => {
  const { page, say, sent } = await open(`<ul token-log="chat"><template><li>
      <button token-service="vote" token-value='{"n":1}' token-args="item=seq text=value.text">+</button>
      <button token-service="open" token-value-from="value.text">o</button>
    </li></template></ul>`);
  await say(watching("chat", "log", 7), record(7, "a"));
  for (const button of page.$$("button")) button.click();
  const asked = await sent();
  assert.deepEqual(asked.map(({ value }) => value), [{ n: 1, item: 7, text: "a" }, "a"]);
});

test("form: is enabled and worded by who is there", async () => {
  const { page, say, world } = await open(CHAT, { hello: { user: null } });
  assert.deepEqual([page.$("fieldset").disabled, page.$("input").placeholder], [true, "Login to chat"]);
  world.live.restart();
  await turn();
  await world.socket.hello({ user: "alice" });
  assert.deepEqual([page.$("fieldset").disabled, page.$("input").placeholder], [false, "Send message"]);
  await say();
});

test("form: sequential, of an entity, sends what has changed", async () => {
  const { page, say, sent, outcome } = await open(`<form token-service="rename" token-atom="profile" token-kind="entity"
      token-send="changes" token-value='{"by":"form"}'>
    <input name="name" aria-label="Name"><input name="city" aria-label="City"><button>Save</button></form>`);
  await say(watching("profile", "atom"),
    { type: "atom", channel: "profile", seq: 1, value: { name: "Ann", city: "Bonn" } });
  assert.deepEqual([page.$("[name=city]").value, page.$("button").disabled], ["Bonn", true]);
  page.type("[name=name]", "Bob");
  page.submit();
  const [{ id, value }] = await sent();
  assert.deepEqual(value, { by: "form", name: "Bob" });
  await outcome(id, "ok");
  assert.equal(page.$("form").dataset.txStatus, "accepted");
});

test("form: a single value can be sent by itself, and an atom of one value be shown", async () => {
  const { page, say, sent } = await open(`<form token-service="set" token-atom="n" token-send="value.n">
    <input name="n" type="number" aria-label="n"><button>Set</button></form>`);
  await say(watching("n", "atom"), { type: "atom", channel: "n", seq: 1, value: 5 });
  assert.equal(page.$("input").value, "5");
  page.type("input", "6");
  page.submit();
  assert.equal((await sent())[0].value, 6);
});

test("control: a change is a commit; what the server has is shown again after it", async () => {
  const { page, say, sent, outcome } = await open(
    `<input type="checkbox" token-service="set" token-atom="switch" aria-label="on">`);
  await say(watching("switch", "atom"), { type: "atom", channel: "switch", seq: 1, value: true });
  const box = page.$("input");
  assert.equal(box.checked, true);
  page.tick("input", false);
  const [{ id, value }] = await sent();
  assert.deepEqual([value, box.getAttribute("aria-busy")], [false, "true"]);
  await outcome(id, "rejected", { error: { code: "no", message: "not now" } });
  assert.deepEqual([page.$("[token-error]").textContent, box.checked], ["not now", false]);
  page.escape("input");
  assert.deepEqual([page.$("[token-error]").textContent, box.checked], ["", true]);
});

test("presence: people come from the template, the count without one", async () => {
  const { page, say } = await open(`<b token-presence="room"></b>
    <ul token-presence="room"><template><li><span token-field="user" token-empty="anon"></span>
    × <i token-field="tabs"></i></li></template></ul>`);
  await say(watching("room", "presence"), {
    type: "presence", channel: "room", users: [{ user: "bob", tabs: 1 }, { user: "alice", tabs: 2 }], anonymous: 3,
  });
  assert.equal(page.$("b").textContent, "5");
  const people = page.$$("li").map((li) => li.textContent.replace(/\s+/g, " ").trim());
  assert.deepEqual(people, ["alice × 2", "bob × 1", "anon × 3"]);
  assert.equal("mine" in page.$("li").dataset, true);
});

test("user, status and when follow the session", async () => {
  const { page, world } = await open(`<b token-user token-empty="nobody">?</b><i token-status token-open="here"></i>
    <p token-when="user" id="u"></p><p token-when="anonymous" id="a"></p><p token-when="offline" id="o"></p>
    <p token-when="open busy" id="x"></p>`, { hello: null });
  const shown = () => page.$$("p").filter((p) => !p.hidden).map(({ id }) => id).join("");
  assert.deepEqual([page.$("b").textContent, page.$("i").textContent, shown()], ["?", "connecting …", ""]);
  await world.socket.hello();
  assert.deepEqual([page.$("b").textContent, page.$("i").textContent, shown()], ["alice", "here", "ux"]);
  assert.deepEqual([page.$("i").getAttribute("role"), page.$("i").dataset.status], ["status", "open"]);
  await world.socket.drop();
  assert.deepEqual([page.$("i").dataset.status, shown()], ["waiting", "uo"]);
  await world.clock.pass(500);
  assert.equal(page.$("i").dataset.status, "waiting");
  await world.socket.hello({ user: null });
  assert.deepEqual([page.$("b").textContent, shown()], ["nobody", "ax"]);
});

test("elements that come later are bound, those that go are released", async () => {
  const { page, say, world } = await open(`<main></main>`);
  world.live; 
  page.$("main").innerHTML = `<section><output token-atom="a"></output></section>`;
  await turn();
  page.$("main").innerHTML += "";
  await turn();
  const output = page.$("output");
  world.live.atom("a");
  await say(watching("a", "atom"), { type: "atom", channel: "a", seq: 1, value: "x" });
  assert.equal(output.textContent, "x");
  page.$("section").remove();
  await turn();
  await say({ type: "atom", channel: "a", seq: 2, value: "y" });
  assert.equal(output.textContent, "x");
});

test("one element that is wrong harms no other", async () => {
  const lines = await listen("error", async () => {
    const { page, say } = await open(`<ul token-log="chat"></ul><output token-atom="a"></output>`);
    await say(watching("a", "atom"), { type: "atom", channel: "a", seq: 1, value: "x" });
    assert.equal(page.$("output").textContent, "x");
  });
  assert.match(lines[0][0], /without a template/);
});

test("a page may have more than one connection", async () => {
  const page = new Page(`<div token-live="/other"><output token-atom="a"></output></div><b token-user></b>`);
  const urls = [];
  const bound = start(page.document, {
    url: "/live",
    open: (url) => {
      urls.push(url);
      return new World().live;
    },
  });
  assert.deepEqual(urls.sort(), ["/live", "/other"]);
  assert.equal(bound.live(), bound.live("/live"));
  bound.stop();
});
