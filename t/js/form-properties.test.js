/**
 * A form, a user who types and goes away, and a server that answers when it
 * likes, twice or too late: what must hold whatever happens in whatever order.
 */

import test from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import { signal } from "../../html/token.js";
import { Field, Form } from "../../html/token-forms.js";
import { DISCARDED } from "../../html/token-zoo.js";
import { write } from "../../html/token/input.js";
import { source } from "./fake.js";
import { Page } from "./page.js";

const RUNS = Number(process.env.RUNS ?? 150);

const HTML = `<form name="profile"><input name="a" value="x"><input name="b" type="number">
  <button>Save</button></form>`;
const page = new Page("");
const NAMES = ["a", "b"];

const TAKEN = { code: "taken", fields: { a: "is taken" } };
const isError = (problem) => problem !== undefined && problem !== DISCARDED;
/** what is wrong with one field may depend on the other */
const problemsOf = ({ a, b }) => {
  if (a === "z") return { a: "not z", b: "not with z" };
  return a === "y" && b !== 1 ? { a: "not y", b: null } : null;
};

const record = (members) => fc.record(members);
// few values: they shall often be the same
const typed = record({ a: fc.constantFrom("x", "y", "z"), b: fc.constantFrom("1", "2") });
const stored = record({ a: fc.constantFrom("x", "y", null), b: fc.constantFrom(null, 1, 2) });
const asked = record({ a: fc.constantFrom("", "x", "z"), b: fc.constantFrom(null, 1) });
const name = fc.constantFrom(...NAMES);

const step = fc.oneof(
  { weight: 6, arbitrary: record({ do: fc.constant("type"), name, values: typed }) },
  { weight: 2, arbitrary: record({ do: fc.constant("undo"), name }) },
  { weight: 3, arbitrary: record({ do: fc.constant("submit") }) },
  {
    weight: 5,
    arbitrary: record({
      do: fc.constant("answer"),
      // most answers are for the last commit
      late: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(9)),
      problem: fc.constantFrom(undefined, "no", TAKEN, DISCARDED),
    }),
  },
  { weight: 2, arbitrary: record({ do: fc.constant("server"), values: stored }) },
  { weight: 2, arbitrary: record({ do: fc.constant("leave") }) },
  record({ do: fc.constant("focus"), name }),
  record({ do: fc.constant("discard") }),
  record({ do: fc.constant("resume"), values: asked }),
);

const optionsOf = record({
  kind: fc.constantFrom("command", "entity"),
  server: fc.boolean(),
  validated: fc.boolean(),
});

class Story {
  constructor({ kind, concurrent, server, validated }) {
    page.document.body.innerHTML = HTML;
    this.concurrent = concurrent;
    this.kind = kind;
    this.validate = validated ? problemsOf : undefined;
    this.left = source();
    this.theirs = server ? signal({ a: "y", b: null }) : undefined;
    this.form = Form(page.$("form"), {
      kind, concurrent, value: this.theirs, validate: this.validate, unanswered: this.left,
    });

    /** every token of a commit that there has been, and those not spent yet */
    this.tokens = [];
    this.up = new Set();
    /** that of which there is one at a time */
    this.single = null;
    /** by name, the edits that it has taken along */
    this.sent = {};
    this.error = null;
    this.accepted = false;
  }

  field(name) {
    const { edit, error, status, read } = this.form.fields[name];
    const control = page.$(`[name=${name}]`);
    return {
      edit: edit.peek(),
      error: error.peek(),
      status: status.peek(),
      value: read(),
      text: control.value,
      focused: page.document.activeElement === control,
    };
  }

  look() {
    const { form } = this;
    const fields = Object.fromEntries(NAMES.map((name) => [name, this.field(name)]));
    const values = Object.fromEntries(NAMES.map((name) => [name, fields[name].value]));
    const staged = form.edit.peek();
    return {
      fields, values, status: form.status.peek(), error: form.error.peek(),
      commits: form.commits.peek(), changes: staged?.[1] ?? {},
    };
  }

  /** what the field shows when nobody has touched it */
  base(name) {
    const theirs = this.theirs?.peek()[name];
    if (theirs === undefined) return { a: "x", b: null }[name];
    return name === "a" ? theirs ?? "" : theirs;
  }

  /** the user has not gone on since the commit */
  waits(name, { fields }) {
    return this.single !== null && fields[name].edit === (this.sent[name] ?? null);
  }

  act(each) {
    const before = this.look();
    this[each.do](each, before);
    this.holds(this.look());
  }

  type({ name, values }, before) {
    page.type(`[name=${name}]`, values[name]);
    const after = this.look();
    // the user has what he types, and the other fields are as they were
    assert.equal(after.fields[name].text, values[name]);
    for (const other of NAMES) {
      if (other !== name) assert.deepEqual(after.fields[other].edit, before.fields[other].edit);
    }
    // typing clears the error of the field
    if (before.fields[name].text !== values[name]) assert.equal(after.fields[name].error, null);
    const { edit, value } = after.fields[name];
    const sent = this.single && this.sent[name];
    // what the server will have is not known while it is asked for something: any text is an edit
    if (sent) assert.ok(edit);
    // typed back to what is on its way, it is that
    if (sent && sent[1] === value) assert.equal(edit, sent);
    // what is sent does not change with what is typed
    assert.deepEqual(after.commits, before.commits);
    assert.equal(after.error, before.error);
    if (Object.keys(after.changes).length > 0) this.accepted = false;
  }

  /** types what would stand there if he had not typed */
  undo({ name }, before) {
    this.type({ name, values: { [name]: String(this.base(name) ?? "") } }, before);
  }

  focus({ name }, before) {
    page.$(`[name=${name}]`).focus();
    this.kept(before);
  }

  leave(_, before) {
    for (const { focused } of Object.values(before.fields)) {
      if (focused) page.leave(":focus");
    }
    this.kept(before);
  }

  server({ values }, before) {
    if (!this.theirs) return;
    this.theirs.value = values;
    const after = this.look();
    // what is focused is not overwritten
    for (const name of NAMES) {
      if (before.fields[name].focused) assert.equal(after.fields[name].text, before.fields[name].text);
    }
    this.kept(before);
  }

  /** nobody has said anything about what is dirty, waiting or failed: it stays */
  kept(before) {
    const after = this.look();
    for (const name of NAMES) {
      const [was, is] = [before.fields[name], after.fields[name]];
      if (was.edit || was.error !== null) assert.equal(is.text, was.text);
      assert.equal(is.error, was.error);
    }
    assert.deepEqual([after.commits, after.error], [before.commits, before.error]);
    if (Object.keys(after.changes).length > 0) this.accepted = false;
  }

  submit(_, before) {
    page.submit();
    const after = this.look();
    // one at a time: a submit while there is one is discarded
    if (!this.concurrent && this.single) return assert.deepEqual(after, before);
    // an entity that is clean has nothing to commit
    const empty = this.kind === "entity" && Object.keys(before.changes).length === 0;
    if (empty) return assert.deepEqual(after.commits, before.commits);

    // the next submit is the retry: it clears the error, that of the form and of the fields
    this.error = null;
    this.accepted = false;
    const found = Object.entries(this.validate?.(before.values) ?? {}).filter(([, problem]) => problem);
    const problems = Object.fromEntries(found);
    for (const name of NAMES) assert.equal(after.fields[name].error, problems[name] ?? null);

    // what is not valid is not committed, and what was typed stays
    if (found.length > 0) {
      assert.deepEqual(after.commits, before.commits);
      for (const name of Object.keys(before.changes)) assert.equal(after.values[name], before.values[name]);
      return;
    }
    // a commit has what stood there, and what of it was dirty
    assert.deepEqual(after.commits.slice(0, -1), before.commits);
    const [t, value, changes] = after.commits.at(-1);
    assert.deepEqual([value, changes], [before.values, before.changes]);
    this.took(t);
    if (!this.concurrent) {
      this.single = t;
      this.sent = editsOf(before);
      // the input stays where it is while it is on its way
      assert.deepEqual(after.values, before.values);
    }
    for (const name of NAMES) {
      const { edit, status } = after.fields[name];
      // concurrent: the form is consumed at once, and ready for the next
      if (this.concurrent) assert.deepEqual([edit, after.values[name]], [null, this.base(name)]);
      else if (edit) assert.equal(status, "waiting");
    }
  }

  resume({ values }, before) {
    const command = { value: values };
    this.left.fire(command);
    const after = this.look();
    // it is offered again when the one that is under way is done
    if (this.single) return assert.deepEqual(after, before);
    const [t] = after.commits.at(-1);
    this.took(t);
    assert.equal(t.event, command);
    // concurrent: it is a row of its own, and nothing in the form
    if (this.concurrent) return assert.deepEqual(after.fields, before.fields);

    this.error = null;
    this.accepted = false;
    this.single = t;
    this.sent = {};
    for (const name of NAMES) {
      const [was, is] = [before.fields[name], after.fields[name]];
      // it does not take away what the user has typed since
      if (was.edit && was.status !== "waiting") assert.equal(is.text, was.text);
      else assert.equal(is.text, String(values[name] ?? ""));
      if (is.status === "waiting") this.sent[name] = is.edit;
    }
  }

  took(t) {
    assert.ok(!this.tokens.includes(t), "each commit has a token of its own");
    this.tokens.unshift(t);
    this.up.add(t);
  }

  answer({ late, problem }, before) {
    const t = this.tokens[late];
    if (!t) return;
    const waiting = NAMES.filter((name) => this.waits(name, before));
    const kept = t(problem);
    const after = this.look();

    // a token that is spent, or whose commit was discarded, changes nothing at all
    if (!this.up.delete(t)) {
      assert.equal(kept, false);
      return assert.deepEqual(after, before);
    }
    // an answer takes its own row away, and no other
    assert.deepEqual(after.commits, before.commits.filter(([each]) => each !== t));
    // concurrent: the error goes where the row goes, the form is not concerned
    if (t !== this.single) {
      assert.equal(kept, false);
      return assert.deepEqual(after.fields, before.fields);
    }
    this.single = null;
    // an error is kept by the form, as it was given; a discard is none
    assert.equal(kept, isError(problem));
    this.error = isError(problem) ? problem : null;
    for (const name of NAMES) {
      this.answered(name, before.fields[name], after.fields[name], problem, waiting.includes(name));
    }
    this.accepted = problem === undefined && Object.keys(after.changes).length === 0;
  }

  answered(name, was, is, problem, waited) {
    // what was typed since is not settled by the answer to what was before it
    if (!waited) {
      assert.deepEqual([is.text, is.error], [was.text, was.error]);
      if (is.edit) assert.equal(is.edit, was.edit);
      return;
    }
    if (isError(problem)) {
      // an error never loses what was typed, and stands beside the field that it names
      if (was.edit) assert.equal(is.text, was.text);
      if (is.edit) assert.deepEqual(is.edit[1], was.edit[1]);
      else if (was.edit) assert.deepEqual(is.value, this.base(name));
      assert.equal(is.error, problem.fields?.[name] ?? was.error);
    } else if (was.edit) {
      assert.deepEqual([is.edit, is.error], [null, null]);
      assert.equal(is.status, problem ? "clean" : "accepted");
      // a discard brings back what there was
      if (problem) assert.deepEqual(is.value, this.base(name));
    }
  }

  discard() {
    const before = this.look();
    page.escape("[name=a]");
    const after = this.look();
    // what is in flight is cancelled, and its row is gone; concurrent ones go on
    if (this.single) {
      assert.equal(this.single.signal.aborted, true);
      this.up.delete(this.single);
    }
    assert.deepEqual(after.commits, before.commits.filter(([t]) => t !== this.single));
    this.single = this.error = null;
    this.accepted = false;
    for (const name of NAMES) {
      // the form is as if nothing had been typed
      const { edit, error, status, value } = after.fields[name];
      assert.deepEqual([edit, error, status, value], [null, null, "clean", this.base(name)]);
    }
  }

  /** what holds at any time */
  holds(now) {
    const staged = editsOf(now);
    // a commit is there until its own token is spent, and in the order of submission
    assert.deepEqual(now.commits.map(([t]) => t), this.tokens.filter((t) => this.up.has(t)).reverse());
    // nothing but an answer, a submit and a discard changes the error
    assert.equal(now.error, this.error);
    // busy goes before failed, failed before dirty, dirty before accepted
    const dirty = Object.keys(staged).length > 0 ? "dirty" : this.accepted ? "accepted" : "clean";
    assert.equal(now.status, this.up.size > 0 ? "busy" : this.error !== null ? "failed" : dirty);
    // what is staged are the edits of all fields, as one
    assert.deepEqual(now.changes, Object.fromEntries(Object.entries(staged).map(([name, edit]) => [name, edit[1]])));

    for (const name of NAMES) {
      const { edit, error, focused, value } = now.fields[name];
      // an edit is what stands there
      if (edit) assert.deepEqual(edit[1], value);
      // a field is dirty only while it differs from what there was, or that is uncertain
      if (edit && !this.single && error === null) assert.notDeepEqual(value, this.base(name));
      // a field that is clean, and neither in use nor sent, shows what the server has
      if (this.theirs && !edit && !focused && !this.single && error === null) assert.deepEqual(value, this.base(name));
    }
  }
}

/** by name, the edits of the fields */
function editsOf({ fields }) {
  return Object.fromEntries(NAMES.flatMap((name) => (fields[name].edit ? [[name, fields[name].edit]] : [])));
}

for (const [how, concurrent, numRuns] of [["sequential", false, RUNS], ["concurrent", true, RUNS / 2]]) {
  test(`${how}: a form holds for any interleaving of typing, submits, answers and discards`, () => {
    fc.assert(
      fc.property(optionsOf, fc.array(step, { maxLength: 40, size: "max" }), (options, steps) => {
        const story = new Story({ ...options, concurrent });
        try {
          for (const each of steps) story.act(each);
        } finally {
          story.form.dispose();
        }
      }),
      { numRuns },
    );
  });
}

test("a field alone holds for any interleaving, whoever spends its tokens", () => {
  const texts = fc.constantFrom("a", "b", "c");
  const change = fc.oneof(
    { weight: 3, arbitrary: record({ do: fc.constant("type"), text: texts }) },
    record({ do: fc.constant("server"), text: texts }),
    record({ do: fc.constantFrom("leave", "commit", "release", "reset") }),
    {
      weight: 2,
      arbitrary: record({
        do: fc.constant("spend"), late: fc.nat(3), problem: fc.constantFrom(undefined, "no", DISCARDED),
      }),
    },
  );
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30, size: "max" }), (changes) => {
      page.document.body.innerHTML = "<input>";
      const input = page.$("input");
      const theirs = signal("a");
      const f = Field(input, { value: theirs });
      const tokens = [];
      let sent = null;

      for (const { do: what, text, late, problem } of changes) {
        const [before, now] = [input.value, f.edit.peek()];
        // there is nothing to commit
        if (what === "commit" && !now) continue;
        const t = tokens[late % (tokens.length || 1)];
        if (what === "type") page.type("input", text);
        if (what === "server") theirs.value = text;
        if (what === "leave") page.leave("input");
        if (["commit", "release", "reset"].includes(what)) f[what]();
        if (what === "spend") t?.(problem);
        if (what === "commit") sent = f.edit.peek();
        if (["release", "reset"].includes(what) || (what === "spend" && t === sent?.[0])) sent = null;

        const edit = f.edit.peek();
        if (edit && !tokens.includes(edit[0])) tokens.unshift(edit[0]);
        // nobody but the user, a discard and a reset takes away what he has typed
        const taken = what === "reset" || (what === "spend" && t === now?.[0] && problem !== "no");
        if (what !== "type" && now && !taken) assert.equal(input.value, before);
        // the edit is what stands there; it is one only while it differs, or is on its way
        if (edit) assert.equal(edit[1], input.value);
        if (edit && !sent && f.error.peek() === null) assert.notEqual(input.value, theirs.peek());
        // with no edit, and none on its way, it shows what the server has, unless the user is in it
        if (!edit && !sent && page.document.activeElement !== input) assert.equal(input.value, theirs.peek());
        // a dead token settles no edit that came after its own, if this is one still
        if (what === "spend" && t !== now?.[0] && edit) assert.equal(edit, now);
        assert.equal(f.status.peek() === "waiting", edit !== null && edit === sent && f.error.peek() === null);
      }
      f.dispose();
    }),
    { numRuns: RUNS * 2 },
  );
});

const CHOICES = ["p", "q"];
const many = (type) => CHOICES.map((each) => `<input type=${type} name=n value=${each}>`).join("");
/** of each kind of control: what null looks like, and what can stand in it */
const KINDS = [
  ["<input value=p>", "", ["", ...CHOICES]],
  ["<input type=number value=1>", null, [null, 1, 2]],
  ["<input type=range min=0 max=2 value=0>", 1, [0, 1, 2]],
  ["<input type=checkbox checked>", false, [false, true]],
  [many("checkbox"), [], [[], ["p"], ["p", "q"]]],
  [many("radio"), null, [null, ...CHOICES]],
  ["<select><option>p<option selected>q</select>", "", CHOICES],
  ["<select multiple><option>p<option>q</select>", [], [[], ["q"], ["p", "q"]]],
];

test("whatever the control: what is set is an edit while it is not what the server has", () => {
  const change = fc.oneof(
    record({ do: fc.constant("set"), nth: fc.nat(2) }),
    record({ do: fc.constant("server"), nth: fc.nat(2) }),
    record({ do: fc.constantFrom("focus", "blur", "null") }),
  );
  const chosen = record({ kind: fc.constantFrom(...KINDS), server: fc.boolean() });

  fc.assert(
    fc.property(chosen, fc.array(change, { maxLength: 20, size: "max" }), ({ kind: [html, empty, values], server }, changes) => {
      page.document.body.innerHTML = html;
      const controls = [...page.document.body.children];
      const theirs = server ? signal(undefined) : undefined;
      const f = Field(controls, { value: theirs });
      const initial = f.read();

      for (const { do: what, nth } of changes) {
        const value = values[nth % values.length];
        const [before, edit] = [f.read(), f.edit.peek()];
        if (what === "focus" || what === "blur") controls[0][what]();
        else if (what !== "set") {
          if (theirs) theirs.value = what === "null" ? null : value;
          // the server does not damage what somebody has set
          if (edit) assert.deepEqual(f.read(), before);
        } else {
          write(controls, value);
          page.fire(controls[0], "input");
          assert.deepEqual(f.read(), value);
        }
        const has = theirs?.peek();
        const base = has === undefined ? initial : has ?? empty;
        const now = f.edit.peek();
        // an edit is what stands there, and is not what the server has
        if (now) assert.deepEqual(now[1], f.read());
        if (now) assert.notDeepEqual(now[1], base);
        // where there is no edit, and nobody is, stands what the server has
        else if (page.document.activeElement !== controls[0]) assert.deepEqual(f.read(), base);
        // a clean field stays clean without the user
        if (!edit && what !== "set") assert.equal(f.edit.peek(), null);
      }
      f.dispose();
    }),
    { numRuns: RUNS },
  );
});
