import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, test } from "vitest";
import { z } from "zod";
import { holdingProblem, holdingsOf } from "./ownership.ts";
import { parsePolicy } from "./parse.ts";
import { policySchema } from "./schema.ts";

const utf8 = new TextEncoder();
const parse = (text: string) => parsePolicy(utf8.encode(text), "/etc/farhand/policy.yaml");

function problemsOf(text: string): string[] {
  const parsed = parse(text);
  return parsed.ok ? [] : parsed.problems;
}

describe("[S7] a policy that cannot be used says where and what to do", () => {
  it.each([
    ["blocs: [command]", '1:1 a policy has no key "blocs"; did you mean "blocks"?'],
    ["limits:\n  memori: 1GiB", '2:3 "limits" has no key "memori"; did you mean "memory"?'],
    [
      "secrets:\n  - name: [a]\n    names: [b]",
      '2:5 entry 1 of "secrets" has no key "name"; did you mean "names"?',
    ],
    ["anything: 1", '1:1 a policy has no key "anything"; it may have blocks, interpreters, scripts,'],
    ["blocks: [comand]", '1:10 entry 1 of "blocks" must be command or api; did you mean "command"?'],
    ["users: [a]\nusers: [b]", '2:1 "users" stands here twice; remove one'],
    ["limits: {slots: 1, slots: 9}", '1:20 "slots" stands here twice; remove one'],
    ["users: root", '1:1 "users" must be a list'],
    ["users:\n  - 5", '2:5 entry 1 of "users" must be a text; put it in quotes'],
    ["users:", '1:1 "users" must be a list'],
    [
      "limits: {memory: 10GB}",
      '1:10 "limits memory": a size is written with its unit, like 64KiB, 512MiB or 2GiB',
    ],
    [
      "limits: {timeout: 5}",
      '1:10 "limits timeout": a time is written with its unit, like 30s, 15m or 1h30m, from 1s to 7d',
    ],
    [
      "limits: {timeout: '30'}",
      '1:10 "limits timeout": a time is written with its unit, like 30s, 15m or 1h30m, from 1s to 7d',
    ],
    [
      "limits: {memory: 512}",
      '1:10 "limits memory": a size is written with its unit, like 64KiB, 512MiB or 2GiB, from 16MiB to 1048576GiB',
    ],
    ["limits: {output: 2}", "from 256KiB to 1GiB"],
    [
      "scripts: {allow: ['(?=a)']}",
      '1:19 entry 1 of "scripts allow": the pattern is not a regular expression in RE2',
    ],
    ["scripts: {operators: [evl]}", 'did you mean "eval"?'],
    ["hosts: {allow: [a b]}", "1:17 a host is a name such as api.example.com"],
    ["hosts: {deny: [10.0.0.0/33]}", '1:16 entry 1 of "hosts deny": a host is a name'],
    ["hosts: {deny: ['[fd00::]/129']}", '1:16 entry 1 of "hosts deny": a host is a name'],
    ["hosts: {deny: [300.1.1.1]}", '1:16 entry 1 of "hosts deny": a host is a name'],
    [
      "hosts: {deny: ['10.1.1.1:99', '[::1]:80', 'a.b:80', '*', '*:80', 10.0.0.0/8, evil:port]}",
      "1:78 a host",
    ],
    ["workingDirectories: [srv]", "1:22 a working directory is an absolute path"],
    ["update: {window: 25:00-02:00}", "1:10 a window is written like 02:00-04:00"],
    ["[a, b]", "1:1 a policy must be a set of `key: value` lines"],
    ["just words", "1:1 a policy must be a set of `key: value` lines"],
  ])("%j", (text, words) => {
    expect(problemsOf(text)[0]).toContain(/^(did|from)/.test(words) ? words : `policy.yaml:${words}`);
  });

  it("tells everything that is wrong at once", () => {
    expect(problemsOf("usrs: [a]\nlimits: {slots: 0}\n")).toHaveLength(2);
  });
});

describe("[S7] a hostile policy is refused, soon and in words", () => {
  it.each([
    ["tabs", "blocks:\n\t- command", "indent with spaces, not with tabs"],
    ["no YAML", "blocks: [command\nusers: ]]", "not valid YAML"],
    ["deep lists", "[".repeat(100_000), "too deeply nested"],
    ["deep blocks", Array.from({ length: 60 }, (_, level) => `${" ".repeat(level)}a:`).join("\n"), "nested"],
    ["deep dashes", "- ".repeat(5_000), "nested"],
    ["an anchor", "users: &a [x]", "anchors (&name) are not supported"],
    [
      "a bomb of aliases",
      `a: &a [x]\nb: &b [${"*a,".repeat(500)}]\nc: [${"*b,".repeat(500)}]`,
      "not supported",
    ],
    ["a merge key", "<<: *a", "not"],
    ["a tag", "users: !!js/function 'x'", "the tag"],
    ["many keys", "a: 1\n".repeat(60_000), "too large"],
    ["__proto__", "__proto__: {users: [root]}", '"__proto__" cannot be a key'],
    ["__proto__ inside", "limits: {__proto__: {slots: 1}}", '"__proto__" cannot be a key'],
    ["constructor", "constructor: {prototype: 1}", 'no key "constructor"'],
    ["two documents", "users: [a]\n---\nusers: [b]\n", "remove the line ---"],
    ["a key that is no text", "1: x", "a key must be a text"],
    ["a pattern without end", `scripts: {deny: ['${"(".repeat(400)}']}`, "not a regular expression"],
    ["a pattern that explodes", "scripts: {deny: ['((a{1,500}){1,500})']}", "too large"],
  ])("%s", (_, text, words) => {
    const begun = performance.now();
    expect(problemsOf(text).join("\n")).toContain(words);
    expect(performance.now() - begun).toBeLessThan(3_000);
  });

  it("that is no UTF-8 says so", () => {
    expect(parsePolicy(Buffer.from("users: [M\xfcller]", "latin1"), "p.yaml")).toEqual({
      ...{ ok: false, problems: ["p.yaml: this is not UTF-8; save it as UTF-8 text"] },
    });
  });
});

it("reads what editors of other systems write: a byte order mark, CRLF", () => {
  const parsed = parse("\ufeffblocks: [command]\r\nusers: [a]\r\n");
  expect(parsed.ok && parsed.policy.rules).toMatchObject({ blocks: ["command"], users: ["a"] });
  expect(parsed.ok && parsed.policy.at("users")).toBe("policy.yaml:2 users");
});

it("takes a file that says nothing for the default", () => {
  const parsed = parse("# nothing yet\n");
  expect(parsed.ok && JSON.stringify(parsed.policy.rules)).toBe(JSON.stringify(policySchema.parse({})));
});

describe("[S7] who can change the file", () => {
  const folder = { path: "/etc/farhand", isFolder: true, uid: 0, mode: 0o40755 };
  const file = { path: "/etc/farhand/policy.yaml", isFolder: false, uid: 0, mode: 0o100644 };
  const problem = (
    changes: Partial<typeof file>,
    own = 999,
    trustsOwn = false,
    above: Partial<typeof folder> = {},
  ) =>
    holdingProblem(
      [
        { ...folder, ...above },
        { ...file, ...changes },
      ],
      own,
      trustsOwn,
    );

  it("is root alone", () => {
    expect(problem({})).toBeUndefined();
    expect(problem({}, 0)).toBeUndefined();
  });

  it.each([
    [
      "the agent's own user",
      problem({ uid: 999 }),
      "belongs to the user that the agent and its steps run as",
    ],
    ["another user", problem({ uid: 1000 }), "belongs to user 1000"],
    ["another user, of a root agent", problem({ uid: 1000 }, 0), "chown root /etc/farhand/policy.yaml"],
    ["its group", problem({ mode: 0o100664 }), "can be changed by its group"],
    ["anybody", problem({ mode: 0o100666 }, 0), "can be changed by anybody"],
    ["the folder's owner", problem({}, 999, false, { uid: 999 }), "the folder /etc/farhand belongs to"],
    ["anybody, by the folder", problem({}, 0, false, { mode: 0o40777 }), "chmod go-w /etc/farhand"],
    [
      "anybody, trusted or not",
      problem({ uid: 999, mode: 0o100666 }, 999, true),
      "can be changed by anybody",
    ],
    ["another user, trusted or not", problem({ uid: 1000 }, 999, true), "belongs to user 1000"],
  ])("and never %s", (_, words, expected) => {
    expect(words).toContain(expected);
  });

  it("is the agent's own user where somebody said so, and in a folder like /tmp", () => {
    expect(problem({ uid: 999 }, 999, true, { uid: 999 })).toBeUndefined();
    expect(problem({}, 999, false, { mode: 0o41777 })).toBeUndefined();
  });
});

test("docs/policy.schema.json is what the schema says; `vitest run -u` on this file writes it anew", async () => {
  const made = JSON.stringify(z.toJSONSchema(policySchema, { io: "input" }), null, 2);
  await expect(`${made}\n`).toMatchFileSnapshot("../../docs/policy.schema.json");
});

test("[S7] the way to a file goes through every link", () => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "farhand-policy-")));
  try {
    for (const folder of ["etc", "home", "real"]) mkdirSync(join(root, folder));
    writeFileSync(join(root, "real/policy.yaml"), "");
    symlinkSync("../real/policy.yaml", join(root, "home/link"));
    symlinkSync(join(root, "home/link"), join(root, "etc/policy.yaml"));
    symlinkSync("etc", join(root, "short"));
    const ways = holdingsOf(join(root, "short/policy.yaml")).map(({ path }) => path);
    const within = ways.filter((path) => path.startsWith(`${root}/`)).map((path) => path.slice(root.length));
    expect(within.sort()).toEqual(["/etc", "/home", "/real", "/real/policy.yaml"]);
    expect(ways).toContain(root);
    expect(ways).toContain("/");
  } finally {
    rmSync(root, { recursive: true });
  }
});

describe("docs/policy.md", () => {
  const page = readFileSync(new URL("../../docs/policy.md", import.meta.url), "utf8");

  it("has examples that can be used", () => {
    const examples = [...page.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, text = ""]) => text);
    expect(examples).toHaveLength(4);
    expect(examples.flatMap(problemsOf)).toEqual([]);
  });

  it("names every key", () => {
    const shape = z.object({
      properties: z.record(
        z.string(),
        z.object({ properties: z.record(z.string(), z.unknown()).optional() }),
      ),
    });
    const { properties } = shape.parse(z.toJSONSchema(policySchema, { io: "input" }));
    const keys = Object.entries(properties).flatMap(([key, { properties: inner }]) =>
      inner ? Object.keys(inner).map((each) => `\`${key}.${each}\``) : [`\`${key}\``],
    );
    expect(keys.filter((key) => !page.includes(key))).toEqual([]);
  });
});
