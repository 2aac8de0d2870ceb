import { describe, expect, it } from "vitest";
import { apiKeyCreateSchema } from "./api/keys.ts";
import { enrollRequestSchema } from "./assertion.ts";
import { nameSchema } from "./names.ts";
import { runbookDocumentSchema } from "./runbook/document.ts";

const UNSEEN = ["\0", "\n", "\r", "\t", "\u007f", "\u0085", "\u2028", "\u2029", "\ud800"];
const TURNING = ["\u061c", "\u200e", "\u200f", "\u202a", "\u202e", "\u2066", "\u2069"];

describe("a name that somebody chooses", () => {
  it.each([...UNSEEN, ...TURNING].map((mark) => [escape(mark), mark]))("has no %s in it", (_, mark) => {
    const checked = nameSchema(20).safeParse(`web${mark}1`);
    expect(checked.error?.issues[0]?.message).toContain("in one line");
  });

  it.each(["web-1", "Ärger mit Ω", "سرور", "שרת 1", "デプロイ", "👩‍💻 on call", "می‌خواهم"])(
    "may be %s",
    (name) => {
      expect(nameSchema(20).parse(` ${name} `)).toBe(name);
    },
  );

  it("is one to so many characters long", () => {
    for (const name of ["", "  ", "x".repeat(21)]) expect(nameSchema(20).safeParse(name).success).toBe(false);
  });

  it("is an agent's, a key's, a runbook's", () => {
    const name = "a\u202eb";
    const key = apiKeyCreateSchema.safeParse({ name, scopes: ["agents:read"] });
    const publicKey = "a".repeat(43);
    const agent = { joinToken: "t", publicKey, name, labels: {}, agentVersion: "1" };
    const document = { schema: 1, title: name, parameters: [], target: {}, blocks: [] };
    const checks = [key, enrollRequestSchema.safeParse(agent), runbookDocumentSchema.safeParse(document)];
    for (const { error } of checks) expect(error?.issues[0]?.message).toContain("in one line");
  });
});
