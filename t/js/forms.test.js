import test from "node:test";
import assert from "node:assert/strict";
import { effect, signal } from "../../html/token.js";
import { Field, Form, MergeEdits } from "../../html/token-forms.js";
import { DISCARDED } from "../../html/token-zoo.js";
import { World, source } from "./fake.js";
import { Page } from "./page.js";

const PROFILE = `<form name="profile">
  <input name="name" value="">
  <input name="age" type="number">
  <button>Save</button><button type="reset">Discard</button>
</form>`;

/** one field, with what the server has */
function field(theirs = "a") {
  const page = new Page(`<input name="name" value="first"><button>elsewhere</button>`);
  const value = signal(theirs);
  const input = page.$("input");
  return { page, value, input, field: Field(input, { value }) };
}

/** a form, and what is committed */
function form(options, html = PROFILE) {
  const page = new Page(html);
  const form = Form(page.$("form"), options);
  const last = () => form.commits.value.at(-1);
  return { page, form, last, button: page.$("button") };
}

test("a field shows what the server has, as long as it is clean", () => {
  const { input, value, field: f } = field();
  assert.equal(input.value, "a");
  value.value = "b";
  assert.equal(input.value, "b");
  assert.equal(f.status.value, "clean");
});

test("a field is dirty while it differs from what the server has, its edit is [t, value]", () => {
  const { page, field: f } = field();
  page.type("input", "ab");
  assert.equal(f.status.value, "dirty");
  assert.equal(typeof f.edit.value[0], "function");
  assert.equal(f.edit.value[1], "ab");
  page.type("input", "a");
  assert.deepEqual([f.status.value, f.edit.value], ["clean", null]);
});

test("a focused field is not overwritten, until it is left", () => {
  const { page, input, value } = field();
  input.focus();
  value.value = "b";
  assert.equal(input.value, "a");
  page.leave("input");
  assert.equal(input.value, "b");
});

test("a dirty, a waiting and a failed field are not overwritten", () => {
  const { page, input, value, field: f } = field();
  page.type("input", "mine");
  page.leave("input");
  value.value = "b";
  assert.deepEqual([f.status.value, input.value], ["dirty", "mine"]);
  f.commit();
  value.value = "c";
  assert.deepEqual([f.status.value, input.value], ["waiting", "mine"]);
  f.edit.value[0]("no");
  value.value = "d";
  assert.deepEqual([f.status.value, f.error.value, input.value], ["failed", "no", "mine"]);
});

test("t() accepts the edit: the field is clean, and shows what the server has", () => {
  const { page, input, value, field: f } = field();
  page.type("input", "mine");
  page.leave("input");
  f.commit();
  value.value = "mine, as the server writes it";
  f.edit.value[0]();
  assert.deepEqual([f.status.value, f.edit.value], ["accepted", null]);
  assert.equal(input.value, "mine, as the server writes it");
});

test("t(error) rejects it: the edit stays with a token of its own, and typing clears the error", () => {
  const { page, field: f } = field();
  page.type("input", "mine");
  const [t] = f.edit.value;
  assert.equal(t("no"), true);
  assert.notEqual(f.edit.value[0], t);
  assert.equal(f.edit.value[1], "mine");
  page.type("input", "mine!");
  assert.deepEqual([f.status.value, f.error.value], ["dirty", null]);
});

test("t(DISCARDED) brings back what the server has", () => {
  const { page, input, field: f } = field();
  page.type("input", "mine");
  f.edit.value[0](DISCARDED);
  assert.deepEqual([input.value, f.status.value, f.edit.value], ["a", "clean", null]);
});

test("what is typed while the field waits is not settled by the answer", () => {
  const { page, input, value, field: f } = field();
  page.type("input", "one");
  f.commit();
  const [t] = f.edit.value;
  page.type("input", "two");
  value.value = "one";
  t();
  assert.deepEqual([input.value, f.status.value, f.edit.value[1]], ["two", "dirty", "two"]);
});

test("typed away and back while it waits, it is the edit that waits", () => {
  const { page, field: f } = field();
  page.type("input", "one");
  f.commit();
  const [t] = f.edit.value;
  page.type("input", "two");
  page.type("input", "one");
  assert.equal(f.status.value, "waiting");
  t();
  assert.equal(f.edit.value, null);
});

test("a change event without a change is none", () => {
  const { page, field: f } = field();
  page.type("input", "mine");
  f.edit.value[0]("no");
  page.leave("input");
  assert.equal(f.status.value, "failed");
});

test("a number that is taken away is an edit, also once the field is left", () => {
  const page = new Page(`<input type="number" value="5">`);
  const f = Field(page.$("input"));
  page.type("input", "");
  page.leave("input");
  assert.deepEqual([f.status.value, f.edit.value?.[1]], ["dirty", null]);
});

test("null of the server is an empty text: typed and taken back it is clean, and reset brings it back", () => {
  const { page, input, value, field: f } = field();
  value.value = null;
  assert.equal(input.value, "");
  page.type("input", "a");
  page.type("input", "");
  assert.equal(f.status.value, "clean");
  page.type("input", "first");
  assert.equal(f.status.value, "dirty");
  f.reset();
  assert.equal(input.value, "");
});

test("typed back to what the server has while it waits, and refused: there is nothing left to ask for", () => {
  const { page, form: f, last } = form({ kind: "entity", value: signal({ name: "Ann", age: 1 }) });
  page.type("[name=name]", "Bob");
  f.submit();
  page.type("[name=name]", "Ann");
  last()[0]("no");
  assert.equal(f.edit.value, null);

  const alone = field("a");
  alone.page.type("input", "b");
  alone.field.commit();
  const [t] = alone.field.edit.value;
  alone.page.type("input", "a");
  t("no");
  assert.equal(alone.field.status.value, "clean");
});

test("MergeEdits: the edits of fields are one, with one token", () => {
  const page = new Page(PROFILE);
  const [name, age] = [Field(page.$("[name=name]")), Field(page.$("[name=age]"))];
  const merged = MergeEdits("profile", { name: name.edit, age: age.edit });
  assert.equal(merged.value, null);
  page.type("[name=name]", "Ann");
  page.type("[name=age]", "30");
  assert.deepEqual(merged.value[1], { name: "Ann", age: 30 });
  merged.value[0]("no");
  assert.deepEqual([name.error.value, age.error.value], ["no", "no"]);
  merged.value[0]();
  assert.deepEqual([merged.value, name.status.value], [null, "accepted"]);
});

test("each kind of control has a value of its own kind", () => {
  const { form: f } = form({}, `<form>
    <input name="text" value="t"><textarea name="area">x</textarea>
    <input name="number" type="number"><input name="yes" type="checkbox" checked>
    <input name="many" type="checkbox" value="a" checked><input name="many" type="checkbox" value="b">
    <input name="one" type="radio" value="a"><input name="one" type="radio" value="b" checked>
    <select name="pick"><option>p<option selected>q</select>
    <select name="picks" multiple><option selected>p<option selected>q</select>
    <input name="off" disabled><input type="submit" name="go"></form>`);
  f.submit();
  assert.deepEqual(f.commits.value[0][1], {
    text: "t", area: "x", number: null, yes: true, many: ["a"], one: "b", pick: "q", picks: ["p", "q"],
  });
});

test("each kind of control can be written", () => {
  const value = signal({ n: 7, yes: true, many: ["b"], one: "a", picks: ["q"] });
  const { form: f } = form({ value }, `<form><input name="n" type="number">
    <input name="yes" type="checkbox"><input name="many" type="checkbox" value="a" checked>
    <input name="many" type="checkbox" value="b"><input name="one" type="radio" value="a">
    <input name="one" type="radio" value="b" checked>
    <select name="picks" multiple><option>p<option>q</select></form>`);
  f.submit();
  assert.deepEqual(f.commits.value[0][1], value.value);
});

test("command: a submit commits all fields, the button is busy and disabled", () => {
  const { page, form: f, last, button } = form();
  page.type("[name=name]", "Ann");
  page.submit();
  assert.deepEqual(last().slice(1), [{ name: "Ann", age: null }, { name: "Ann" }]);
  assert.deepEqual([f.status.value, button.disabled, button.getAttribute("aria-busy")], ["busy", true, "true"]);
  assert.equal(page.$("[name=name]").getAttribute("data-tx-status"), "waiting");
});

test("sequential: while one is in flight a submit is discarded", () => {
  const { form: f } = form();
  f.submit();
  f.submit();
  assert.equal(f.commits.value.length, 1);
});

test("sequential: t() accepts, and the form says so until the next edit", () => {
  const { page, form: f, last, button } = form();
  page.type("[name=name]", "Ann");
  f.submit();
  last()[0]();
  assert.deepEqual(f.commits.value, []);
  assert.deepEqual([f.status.value, page.$("form").dataset.txStatus, button.disabled], ["accepted", "accepted", false]);
  assert.equal(page.$("[name=name]").value, "Ann");
  page.type("[name=name]", "Anna");
  assert.equal(f.status.value, "dirty");
});

test("sequential: t(error) shows the error at the button, keeps the input, and the submit is the retry", () => {
  const { page, form: f, last, button } = form();
  page.type("[name=name]", "Ann");
  f.submit();
  assert.equal(last()[0]({ code: "timeout", message: "too slow" }), true);
  assert.deepEqual([f.status.value, button.getAttribute("aria-invalid"), button.disabled], ["failed", "true", false]);
  const place = page.$("[token-error]");
  assert.deepEqual([place.textContent, place.getAttribute("role")], ["too slow", "alert"]);
  assert.equal(button.getAttribute("aria-describedby"), place.id);
  assert.equal(f.fields.name.status.value, "dirty");
  f.submit();
  assert.deepEqual([f.status.value, place.textContent, last()[1].name], ["busy", "", "Ann"]);
  last()[0]();
  assert.equal(f.fields.name.status.value, "accepted");
});

test("sequential: an error stays when the command that brought it is dropped", () => {
  const { page, form: f, last } = form({ kind: "entity", value: signal({ name: "a", age: 1 }) });
  page.type("[name=name]", "mine");
  f.submit();
  const [t] = last();
  t({ code: "version" });
  assert.equal(t(DISCARDED), false);
  assert.equal(f.status.value, "failed");
  assert.deepEqual(f.error.value, { code: "version" });
  assert.equal(page.$("[name=name]").value, "mine");
});

test("errors of the server that name fields are shown beside these", () => {
  const { page, form: f, last } = form({}, `<form><input name="name"><b token-error="name"></b>
    <input name="age"><button>Save</button><p token-error=""></p></form>`);
  f.submit();
  last()[0]({ code: "service_rejected", message: "look above", fields: { name: "is taken" } });
  assert.equal(page.$("b").textContent, "is taken");
  assert.equal(page.$("p").textContent, "look above");
  assert.equal(page.$("[name=name]").getAttribute("aria-invalid"), "true");
  assert.equal(page.$("[name=age]").getAttribute("aria-invalid"), null);
});

test("validate: problems are shown beside the fields, and nothing is committed", () => {
  const { page, form: f } = form({ validate: ({ name }) => (name ? null : { name: "who?" }) });
  f.submit();
  assert.deepEqual([f.commits.value, f.fields.name.status.value], [[], "failed"]);
  assert.equal(page.$("[name=name] + [token-error]").textContent, "who?");
  page.type("[name=name]", "Ann");
  assert.equal(page.$("[name=name] + [token-error]").textContent, "");
  f.submit();
  assert.equal(f.commits.value.length, 1);
});

test("a problem that is gone is not shown, and its field follows the server again", () => {
  const value = signal({ name: "Ann", age: 1 });
  let problems = { name: "who?", age: "how old?" };
  const { page, form: f } = form({ value, validate: () => problems });
  f.submit();
  value.value = { name: "Ann", age: 2 };
  assert.equal(page.$("[name=age]").value, "1");
  problems = { name: "who?" };
  f.submit();
  assert.deepEqual([f.fields.name.status.value, f.fields.age.status.value], ["failed", "clean"]);
  assert.equal(page.$("[name=age]").value, "2");
});

test("errors of the server are not shown beside what was typed since", () => {
  const { page, form: f, last } = form();
  page.type("[name=name]", "Ann");
  f.submit();
  page.type("[name=name]", "Bob");
  last()[0]({ code: "x", fields: { name: "Ann is taken", age: "is missing" } });
  assert.deepEqual([f.fields.name.error.value, f.fields.age.error.value], [null, "is missing"]);
});

test("the retry clears the errors of all fields", () => {
  const validate = ({ name, age }) => (name === "Ann" && age === 3 ? { name: "not at 3" } : null);
  const { page, form: f, last } = form({ validate });
  page.type("[name=name]", "Ann");
  page.type("[name=age]", "3");
  f.submit();
  assert.equal(f.fields.name.status.value, "failed");
  page.type("[name=age]", "4");
  f.submit();
  assert.equal(f.fields.name.status.value, "waiting");
  last()[0]({ code: "x", fields: { name: "is taken" } });
  assert.equal(f.fields.name.status.value, "failed");
  f.submit();
  last()[0]();
  assert.deepEqual([f.status.value, f.fields.name.status.value], ["accepted", "accepted"]);
});

test("what was typed while it waited is not accepted with it", () => {
  const { page, form: f, last } = form();
  page.type("[name=name]", "Ann");
  f.submit();
  page.type("[name=name]", "Bob");
  last()[0]();
  assert.equal(f.status.value, "dirty");
  page.type("[name=name]", "");
  assert.equal(f.status.value, "clean");
});

test("the browser's own checks are shown beside the field, and take the focus there", () => {
  const { page, form: f } = form({}, `<form><input name="a"><input name="b" required>
    <input name="c" required><button>Send</button></form>`);
  page.submit();
  assert.deepEqual(f.commits.value, []);
  assert.deepEqual([f.fields.b.status.value, f.fields.c.status.value], ["failed", "failed"]);
  assert.equal(page.document.activeElement.name, "b");
});

test("command: may be submitted again with the same values", () => {
  const { form: f, last } = form();
  for (let i = 0; i < 2; i++) {
    f.submit();
    last()[0]();
  }
  assert.equal(f.status.value, "accepted");
});

test("entity: there is nothing to commit unless it is dirty", () => {
  const { page, form: f, button, last } = form({ kind: "entity", value: signal({ name: "Ann", age: 30 }) });
  assert.equal(button.disabled, true);
  f.submit();
  assert.deepEqual(f.commits.value, []);
  page.type("[name=age]", "31");
  assert.equal(button.disabled, false);
  f.submit();
  assert.deepEqual(last().slice(1), [{ name: "Ann", age: 31 }, { age: 31 }]);
});

test("entity: what others change meanwhile goes into the fields that nobody has touched", () => {
  const value = signal({ name: "Ann", age: 30 });
  const { page } = form({ kind: "entity", value });
  page.type("[name=age]", "31");
  value.value = { name: "Anna", age: 40 };
  assert.deepEqual([page.$("[name=name]").value, page.$("[name=age]").value], ["Anna", "31"]);
});

for (const [how, act] of [
  ["Escape", (page) => page.escape("[name=name]")],
  ["the reset button", (page) => page.$("[type=reset]").click()],
]) {
  test(`${how} resets the form, and cancels what is in flight`, async () => {
    const world = await World.open();
    const { page, form: f } = form({ value: signal({ name: "Ann" }) });
    effect(() => {
      for (const [t, value] of f.commits.value) world.live.run(t, "save", value);
    });
    page.type("[name=name]", "Bob");
    page.submit();
    await world.clock.pass(0);
    act(page);
    await world.clock.pass(0);
    const [sent, cancel] = world.socket.take();
    assert.deepEqual([cancel?.type, cancel?.id], ["cancel", sent.id]);
    assert.deepEqual([f.status.value, page.$("[name=name]").value], ["clean", "Ann"]);
    assert.deepEqual([f.commits.value, world.live.commands.value], [[], []]);
    await world.socket.say({ type: "outcome", id: sent.id, outcome: "superseded" });
    assert.equal(f.status.value, "clean");
  });
}

test("a discard clears the errors", () => {
  const { form: f, last } = form();
  f.submit();
  last()[0]({ code: "x", fields: { name: "no" } });
  f.discard();
  assert.deepEqual([f.status.value, f.fields.name.status.value], ["clean", "clean"]);
});

test("sequential: the outcome of the command settles the form", async () => {
  const world = await World.open();
  const { page, form: f } = form();
  effect(() => {
    for (const [t, value] of f.commits.value) world.live.run(t, "save", value);
  });
  page.type("[name=name]", "Bob");
  page.submit();
  await world.clock.pass(0);
  const [{ id, value }] = world.socket.take();
  assert.deepEqual(value, { name: "Bob", age: null });
  await world.socket.say({ type: "outcome", id, outcome: "rejected", error: { code: "bad_value" } });
  assert.deepEqual([f.status.value, world.live.commands.value], ["failed", []]);
  page.submit();
  await world.clock.pass(0);
  const [again] = world.socket.take();
  assert.notEqual(again.id, id);
  await world.socket.say({ type: "outcome", id: again.id, outcome: "ok", seq: 1 });
  assert.equal(f.status.value, "accepted");
});

test("concurrent: each submit takes what is there, and leaves the form ready for the next", () => {
  const { page, form: f, button } = form({ concurrent: true });
  for (const text of ["one", "two"]) {
    page.type("[name=name]", text);
    page.submit();
    assert.equal(page.$("[name=name]").value, "");
    assert.equal(button.disabled, false);
  }
  assert.deepEqual(f.commits.value.map(([, { name }]) => name), ["one", "two"]);
  const [one, two] = f.commits.value;
  one[0]("no");
  assert.deepEqual(f.commits.value, [two]);
  assert.equal(f.error.value, null);
  two[0]();
  assert.equal(f.status.value, "clean");
});

test("concurrent: Escape empties the form, and what was sent goes on", () => {
  const { page, form: f } = form({ concurrent: true });
  page.type("[name=name]", "one");
  page.submit();
  page.type("[name=name]", "two");
  page.escape("[name=name]");
  assert.equal(page.$("[name=name]").value, "");
  assert.equal(f.commits.value.length, 1);
});

test("concurrent: what a reload has left is a row of its own, and the form is ready", () => {
  const left = source();
  const { page, form: f } = form({ concurrent: true, unanswered: left });
  page.type("[name=name]", "one");
  const command = { value: { name: "zero" } };
  left.fire(command);
  assert.equal(page.$("[name=name]").value, "one");
  page.submit();
  assert.deepEqual(f.commits.value.map(([, { name }]) => name), ["zero", "one"]);
  const [[t], one] = f.commits.value;
  assert.equal(t.event, command);
  t("no");
  assert.deepEqual([f.commits.value, f.error.value], [[one], null]);
});

test("the focus returns to the button that was disabled", () => {
  const { page, form: f, last, button } = form();
  button.focus();
  button.click();
  button.blur();
  last()[0]();
  assert.equal(page.document.activeElement, button);
  assert.equal(f.status.value, "accepted");
});

/** sessionStorage, for one test */
function store(t) {
  const kept = new Map();
  globalThis.sessionStorage = {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
  };
  t.after(() => delete globalThis.sessionStorage);
  return kept;
}

test("a draft survives a reload, until it is committed or discarded", (t) => {
  const kept = store(t);
  const first = form({ draft: "profile" });
  first.page.type("input[name=name]", "ann");
  first.form.dispose();

  const next = form({ draft: "profile" });
  assert.equal(next.page.$("input[name=name]").value, "ann");
  assert.equal(next.form.status.value, "dirty");
  const other = form({ draft: "another" });
  assert.equal(other.page.$("input[name=name]").value, "");

  next.page.submit();
  const [token, value] = next.last();
  assert.equal(value.name, "ann");
  token();
  assert.equal(kept.size, 0);

  next.page.type("input[name=name]", "bob");
  assert.equal(kept.size, 1);
  next.page.$("button[type=reset]").click();
  assert.equal(kept.size, 0);
});

test("a draft keeps no password, and does without a storage", (t) => {
  const html = `<form><input name="user"><input name="secret" type="password"></form>`;
  const kept = store(t);
  const { page } = form({ draft: "login" }, html);
  page.type("input[name=user]", "ann");
  page.type("input[name=secret]", "hush");
  assert.match([...kept.values()].join(), /ann/);
  assert.doesNotMatch([...kept.values()].join(), /hush/);

  delete globalThis.sessionStorage;
  const without = form({ draft: "login" }, html);
  without.page.type("input[name=user]", "bob");
  assert.equal(without.form.status.value, "dirty");
});

test("dispose takes the form back from the document", () => {
  const { page, form: f } = form();
  f.dispose();
  page.$("form").addEventListener("submit", (event) => event.preventDefault());
  page.submit();
  assert.deepEqual(f.commits.value, []);
});
