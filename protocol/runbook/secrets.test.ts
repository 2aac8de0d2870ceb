import { describe, expect, test } from "vitest";
import { planSchema } from "../plan.ts";
import { secretsOf } from "../secrets.ts";
import { parseRunbook } from "./markdown.ts";

const page = (...blocks: string[]) => `---\ntitle: T\n---\n\n${blocks.join("\n\n")}\n`;
const yaml = (...lines: string[]) => ["```farhand", ...lines, "```"].join("\n");
const command = (...lines: string[]) => yaml("kind: command", "script: ls", ...lines);
const api = (...lines: string[]) => yaml("kind: api", "method: POST", "url: https://example.com", ...lines);

function blockOf(source: string) {
  const parsed = parseRunbook(page(source));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  return parsed.document.blocks[0];
}

function problemsOf(source: string): string[] {
  const parsed = parseRunbook(page(source));
  return parsed.ok ? [] : parsed.issues.map(({ message }) => message);
}

describe("secrets of a command", () => {
  test.each([
    ["in a fence", "```bash {secrets=db-password,api.token}\nls\n```"],
    ["as a list", command("secrets: [db-password, api.token]")],
    ["by variable", command("secrets: {DB_PASSWORD: db-password, API_TOKEN: api.token}")],
  ])("%s", (_, source) => {
    expect(blockOf(source)).toMatchObject({
      secrets: { DB_PASSWORD: "db-password", API_TOKEN: "api.token" },
    });
  });

  test("as files, and in variables of any name", () => {
    const block = blockOf(command("secrets: {KUBECONFIG: {name: kube, as: file}, X: kube, Y: other}"));
    expect(block).toMatchObject({ secrets: { KUBECONFIG: { name: "kube", as: "file" } } });
    expect(block && secretsOf(block)).toEqual(["kube", "other"]);
  });

  test.each([
    ["a name with a slash", command("secrets: {A: a/b}"), /1–63 lower-case letters/],
    ["a name in capitals", command("secrets: A"), /1–63 lower-case letters/],
    ["one that gives no variable", command("secrets: [2fa]"), /environment name/],
    ["a variable of the product", command("secrets: {FARHAND_X: a}"), /does not begin with FARHAND_/],
    ["LD_PRELOAD", command("secrets: {LD_PRELOAD: a}"), /decides what the script runs/],
    ["PATH", command("secrets: path"), /decides what the script runs/],
    ["a variable of env", command("env: {A: x}", "secrets: {A: a}"), /is in `env` too/],
    ["another way to be given", command("secrets: {A: {name: a, as: pipe}}"), /env or file/],
    ["none", command("secrets: []"), /at least one secret/],
    ["a number", command("secrets: 7"), /"secrets" must be/],
  ])("are not %s", (_, source, message) => {
    expect(problemsOf(source)).toEqual([expect.stringMatching(message)]);
  });
});

describe("secrets of a request", () => {
  test("stand in headers, the query and the body", () => {
    const block = blockOf(
      api(
        'headers: {authorization: {secret: api-token, prefix: "Bearer "}}',
        "query: {key: {secret: key}}",
        "body: {secret: api-token}",
      ),
    );
    expect(block).toMatchObject({ headers: { authorization: { secret: "api-token", prefix: "Bearer " } } });
    expect(block && secretsOf(block)).toEqual(["key", "api-token"]);
  });

  test.each([
    ["the URL", yaml("kind: api", "url: {secret: a}"), /"url" must be a text or/],
    ["what the edge sends", api("from: edge", "body: {secret: a}"), /the control plane has no secrets/],
    ["two forms at once", api("body: {secret: a, expr: b}"), /"body" must be/],
    ["a prefix of two lines", api('body: {secret: a, prefix: "x\\ny"}'), /no line breaks/],
  ])("do not stand in %s", (_, source, message) => {
    expect(problemsOf(source)).toEqual([expect.stringMatching(message)]);
  });
});

test("a plan holds names, and nothing that could be a value", () => {
  const block = { kind: "command", id: "a", interpreter: "sh", script: "ls", secrets: { A: "a" } };
  const blocks = (each: unknown) => planSchema.shape.blocks.safeParse([each]).success;
  expect(blocks(block)).toBe(true);
  expect(blocks({ ...block, secrets: { A: { name: "a", as: "env", value: "x" } } })).toBe(false);
});
