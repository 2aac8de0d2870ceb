import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parseValues, readValues } from "./outputFile.ts";

const folder = mkdtempSync(join(tmpdir(), "farhand-values-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("the text of $FARHAND_OUTPUT", () => {
  it.each([
    ["nothing", "", {}],
    ["one value", "version=1.2", { version: "1.2" }],
    ["values that look like more", "a=b=c\nb= x \nc=<<END\nd=", { a: "b=c", b: " x ", c: "<<END", d: "" }],
    ["CRLF and empty lines", "a=1\r\n\r\nb=2\r\n", { a: "1", b: "2" }],
    ["many lines", "a<<END\none\n\nb=2\nEND\nc=3\n", { a: "one\n\nb=2", c: "3" }],
    ["control characters, as data", "a=\0\u001b[31m\u202e\nb=1", { a: "\0\u001b[31m\u202e", b: "1" }],
    ["an empty value of many lines", "a<<END\nEND\n", { a: "" }],
    ["a name twice", "a=1\na=2\n", { a: "2" }],
    ["what a shell would run", "a=$(touch x); `id`\n", { a: "$(touch x); `id`" }],
  ])("%s", (_, text, values) => {
    expect(parseValues(text)).toEqual({ values, problems: [] });
  });

  it.each([
    ["a line without a sign", "hello\na=1", { a: "1" }, /"hello".* is not name=value/],
    ["a name without end", `${"k".repeat(60_000)}=1\na=1`, { a: "1" }, /^"k{80}" .* not a name/],
    ["a name that is none", "1 x=2\na=1", { a: "1" }, /"1 x".* not a name/],
    ["an end that never comes", "a=1\nb<<END\nc=3", { a: "1" }, /"b".* no line that ends it/],
    ["an end without a word", "b<<\n\n", {}, /no line that ends it/],
    ["what the block did not declare", "a=1\nother=2", { a: "1" }, /"other" was left out/],
    ["more than may be handed on, as JSON", `a=${"\u0001".repeat(20_000)}`, {}, /over 64 KiB/],
  ])("leaves out, and says why: %s", (_, text, values, problem) => {
    const read = parseValues(text, ["a", "b", "c"]);
    expect(read.values).toEqual(values);
    expect(read.problems).toEqual([expect.stringMatching(problem)]);
  });

  it("gives a name that means something to JavaScript no meaning", () => {
    const { values, problems } = parseValues("__proto__=x\nconstructor=y");
    expect(Object.entries(values)).toEqual([["constructor", "y"]]);
    expect(problems).toEqual([expect.stringContaining('"__proto__" in $FARHAND_OUTPUT is not a name')]);
  });
});

describe("the file", () => {
  it.each<[string, (path: string) => void, RegExp]>([
    ["too large", (path) => writeFileSync(path, "a".repeat(64 * 1024 + 1)), /over 64 KiB; no values/],
    [
      "no UTF-8",
      (path) => writeFileSync(path, Buffer.from("a=1\nb=M\xfcller\n", "latin1")),
      /is not UTF-8; no values/,
    ],
    ["a folder", (path) => mkdirSync(path), /not a file any more/],
    ["a pipe that nobody writes to", (path) => execFileSync("mkfifo", [path]), /not a file any more/],
    [
      "a link to somebody else's file",
      (path) => symlinkSync("/etc/passwd", path),
      /cannot be read \(ELOOP\)/,
    ],
  ])("that is %s gives no values, and never holds anything up", (name, make, problem) => {
    const path = join(folder, name);
    make(path);
    expect(readValues(path)).toEqual({ values: {}, problems: [expect.stringMatching(problem)] });
  });

  it("that is gone gives none, without a word", () => {
    expect(readValues(join(folder, "gone"))).toEqual({ values: {}, problems: [] });
  });
});
