/** The npm package: somebody else installs it, and writes TypeScript against it. */

import test, { after } from "node:test";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const TSC = join(ROOT, "t/node_modules/.bin/tsc");
const HERE = mkdtempSync(join(tmpdir(), "token-package-"));
const INSTALLED = join(HERE, "node_modules/ngx-http-token");

after(() => rmSync(HERE, { recursive: true }));

const name = execFileSync(join(ROOT, "tools/package.sh"), [HERE], { cwd: ROOT, encoding: "utf8" });
mkdirSync(INSTALLED, { recursive: true });
execFileSync("tar", ["xzf", join(HERE, name.trim()), "-C", INSTALLED, "--strip-components=1"]);
writeFileSync(join(HERE, "package.json"), '{"type": "module"}');

/** what tsc --strict says to a file beside the installed package */
function tsc(text) {
  writeFileSync(join(HERE, "page.ts"), text);
  const flags = ["--strict", "--noEmit", "--module", "nodenext", "--target", "es2022"];
  try {
    return execFileSync(TSC, [...flags, "page.ts"], { cwd: HERE, encoding: "utf8" });
  } catch (error) {
    return error.stdout;
  }
}

const PAGE = `
  import { connect, Token, OnAll, reconcileBy, effect, fromEvent } from "ngx-http-token";
  import { CyclicToken, StampedToken, WithDataSlot, compose, withRequest, trace } from "ngx-http-token/zoo";
  import { Form } from "ngx-http-token/forms";
  import { live as declared, words } from "ngx-http-token/html";

  const live = connect("/live");
  const typed = fromEvent(document.body, "input", () => "text");
  const search = WithDataSlot(CyclicToken(typed), [0]);
  const stamped = StampedToken(typed);
  const one = Token(typed);

  effect(() => {
    const [t, hits] = search.value;
    const [stamp] = stamped.value;
    const first: number = hits[0];
    const text: string | null = stamp;
    if (t) live.run(t, "search", { first, text });
    const [up] = one.value;
    const event: string | undefined = up?.event;
    if (up) live.run(compose("both", withRequest(up, "a", event), withRequest(up, "b")));
    console.log(trace(up));
  });
  for (const [t, text] of OnAll(typed).value) live.run(t, "send", text.trim());
  const rows = reconcileBy({ records: live.log("chat"), commands: live.commands });
  const key: string = rows[0].key;
  const form = Form(document.forms[0], { kind: "entity", value: live.atom("profile") });
  const status: "clean" | "dirty" | "busy" | "failed" | "accepted" = form.status.value;
  void [key, status, declared("/live")?.user.value, words.retry];
`;

test("the types are there, for every entry", () => {
  assert.equal(tsc(PAGE), "");
});

test("the types are no mere any: what is wrong is found", () => {
  const wrong = [
    "live.user.value.length;",
    'live.status.value === "opened";',
    'Form(document.forms[0], { kind: "thing" });',
    "const n: number = one.value[0]!.event;",
  ];
  const said = tsc(`${PAGE}\n${wrong.join("\n")}`);
  assert.equal(said.match(/error TS/g)?.length, wrong.length, said);
});

test("the entries are what the exports say, and nothing else can be imported", () => {
  const script = `
    const core = await import("ngx-http-token");
    const zoo = await import("ngx-http-token/zoo");
    const forms = await import("ngx-http-token/forms");
    const inner = await import("ngx-http-token/token/graph.js").catch(({ code }) => code);
    console.log(typeof core.connect, typeof zoo.compose, typeof forms.Form, inner);
  `;
  const out = execFileSync(process.execPath, ["--input-type=module", "-e", script], { cwd: HERE, encoding: "utf8" });
  assert.equal(out, "function function function ERR_PACKAGE_PATH_NOT_EXPORTED\n");
});
