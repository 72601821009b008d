/** html/token/README.md says how large the client is: it is. */

import test from "node:test";
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { ENTRIES, sizeOf } from "../size.mjs";

const readme = await readFile(new URL("../../html/token/README.md", import.meta.url), "utf8");

/** the bytes of the table's row that begins with `name` */
function stated(name) {
  const row = readme.split("\n").find((line) => line.startsWith("| ") && line.includes(name));
  return Number(row?.match(/(\d+)(?: bytes)? \|$/)?.[1]);
}

for (const [name, source] of Object.entries(ENTRIES)) {
  test(`the size of ${name} is what the README says`, async () => {
    const [says, is] = [stated(name), await sizeOf(source)];
    // releases of zlib differ by some bytes
    assert.ok(Math.abs(is - says) <= says / 200, `it is ${is} bytes, the README says ${says}`);
  });
}

test("the core is below 8 KB", async () => {
  assert.ok((await sizeOf(ENTRIES["token.js"])) < 8_192);
});
