import { describe, expect, it } from "vitest";
import type { ApiBlock, CommandBlock } from "#protocol/blocks/index.ts";
import { environmentOf, settleValues } from "./values.ts";

const command: CommandBlock = {
  ...{ kind: "command", id: "c", interpreter: "sh", script: "true" },
  env: { FIXED: "as planned", FREE: { expr: "params.x" } },
  stdin: { expr: "params.y" },
};
const api: ApiBlock = {
  ...{ kind: "api", id: "a", method: "POST", url: "https://example.com/" },
  query: { "a/b": { expr: "params.x" } },
  headers: { "x-token": { expr: "params.y" } },
  body: { json: { expr: "no expression" } },
};

describe("[S13] inputs", () => {
  it("go where the plan has an expression", () => {
    const settled = settleValues(command, { "env/FREE": "$(x)", stdin: "in\0" });
    if (!settled.ok) throw new Error(settled.detail);
    expect(environmentOf(settled.texts)).toEqual({ FIXED: "as planned", FREE: "$(x)" });
    expect(settled.texts.get("stdin")).toBe("in\0");
  });

  it.each([
    ["where the plan has text", { "env/FREE": "", stdin: "", "env/FIXED": "other" }, "unexpected_input"],
    [
      "for a name that the plan does not have",
      { "env/FREE": "", stdin: "", "env/PATH": "/evil" },
      "unexpected_input",
    ],
    ["for the script", { "env/FREE": "", stdin: "", script: "evil" }, "unexpected_input"],
    ["that nobody can have meant", { "env/FREE": "", stdin: "", __proto__x: "" }, "unexpected_input"],
    ["that are missing", { "env/FREE": "" }, "missing_input"],
    ["that no environment can carry", { "env/FREE": "a\0b", stdin: "" }, "bad_input"],
  ])("are refused %s", (_, inputs, code) => {
    expect(settleValues(command, inputs)).toMatchObject({ ok: false, code });
  });

  it("of a request are looked for at the places of its parts, and never in data", () => {
    expect(settleValues(api, { "query/a/b": "1", "headers/x-token": "2" })).toMatchObject({ ok: true });
    expect(settleValues(api, { "query/a/b": "1", "headers/x-token": "2", body: "3" })).toMatchObject({
      code: "unexpected_input",
    });
    expect(settleValues(api, { "query/a/b": "1" })).toMatchObject({ code: "missing_input" });
  });
});
