import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { agentControlMessageSchema, poolControlMessageSchema } from "./control.ts";
import { agentDataMessageSchema, coordinatorDataMessageSchema } from "./data.ts";
import { canonicalJson, digestOf } from "./digest.ts";
import { deriveId, ID_PREFIXES, type IdKind, isId, newId } from "./ids.ts";
import { FRAME_MAX_BYTES, JSON_DEPTH_MAX, VALUES_MAX_BYTES } from "./limits.ts";
import { parseFrame } from "./socket.ts";
import { agreeOnVersion } from "./version.ts";
import { viewerMessageSchema } from "./viewer.ts";

describe("[HS1] agreeing on a version", () => {
  it("takes the highest that both speak", () => {
    expect(agreeOnVersion({ min: 1, max: 3 }, { min: 2, max: 5 })).toEqual({ agreed: true, version: 3 });
  });

  it("says which end has to be upgraded", () => {
    expect(agreeOnVersion({ min: 1, max: 1 }, { min: 2, max: 3 })).toEqual({
      agreed: false,
      upgrade: "agent",
    });
    expect(agreeOnVersion({ min: 4, max: 5 }, { min: 2, max: 3 })).toEqual({
      agreed: false,
      upgrade: "server",
    });
  });
});

describe("ids", () => {
  it("are of their own kind and of no other", () => {
    for (const kind of Object.keys(ID_PREFIXES) as IdKind[]) {
      expect(isId(kind, newId(kind))).toBe(true);
      expect(isId(kind, newId(kind === "user" ? "agent" : "user"))).toBe(false);
    }
  });

  it("sort by age", () => {
    expect(newId("execution", 1_000) < newId("execution", 1_001)).toBe(true);
  });

  it("[G9] are the same for the same organization and key, and for no other pair", async () => {
    const id = await deriveId("execution", "org_a", "key");
    expect(await deriveId("execution", "org_a", "key")).toBe(id);
    expect(isId("execution", id)).toBe(true);
    expect(await deriveId("execution", "org_ak", "ey")).not.toBe(id);
    expect(await deriveId("execution", "org_b", "key")).not.toBe(id);
  });
});

describe("canonical JSON (RFC 8785)", () => {
  it("does not depend on the order of keys", async () => {
    expect(canonicalJson({ b: 1, a: [true, null, 1e21] })).toBe('{"a":[true,null,1e+21],"b":1}');
    expect(await digestOf({ b: 1, a: 2 })).toBe(await digestOf({ a: 2, b: 1 }));
  });

  it("leaves out what is undefined, as JSON does", () => {
    expect(canonicalJson({ a: undefined, b: 1 })).toBe('{"b":1}');
  });
});

describe("frames at the edge of a socket", () => {
  const schemas = [agentControlMessageSchema, agentDataMessageSchema, viewerMessageSchema];

  it("are a message or a reason, whatever comes", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.jsonValue().map((value) => JSON.stringify(value)),
        ),
        (frame) => {
          for (const schema of schemas) {
            const parsed = parseFrame<unknown>(schema, frame);
            if (!parsed.ok) expect(parsed.reason).not.toBe("");
          }
        },
      ),
    );
  });

  it.each<[string, string]>([
    ["lists", "[".repeat(100_000) + "]".repeat(100_000)],
    ["maps", `${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`],
    ["lists in maps", '{"a":['.repeat(100_000) + "]}".repeat(100_000)],
  ])("refuse what is nested deeply, wherever it stands: %s", (_, deep) => {
    const reason = `frame is nested deeper than ${JSON_DEPTH_MAX} levels`;
    for (const schema of [...schemas, poolControlMessageSchema, coordinatorDataMessageSchema]) {
      for (const frame of [
        deep,
        `{"type":"step.finished","values":{"v":${deep}}}`,
        `{"type":"hello","x":${deep}}`,
      ]) {
        expect(parseFrame<unknown>(schema, frame)).toEqual({ ok: false, reason });
      }
    }
  });

  it("refuse what is larger than a frame may be, before they look at it", () => {
    const parse = vi.spyOn(JSON, "parse");
    const frame = JSON.stringify({ type: "ack", id: "x".repeat(FRAME_MAX_BYTES) });
    expect(parseFrame(agentDataMessageSchema, frame, FRAME_MAX_BYTES)).toEqual({
      ok: false,
      reason: "frame is over 4 MiB",
    });
    expect(parse).not.toHaveBeenCalled();
    parse.mockRestore();
  });

  const finished = (values: string) =>
    `{"type":"step.finished","step":"a","attempt":1,"fence":1,"outcome":{"type":"exited","exitCode":0},"time":1,
      "durationMs":1,"streams":{"stdout":${summary},"stderr":${summary}},"leakedOutput":false,"values":${values}}`;
  const summary = JSON.stringify({ bytes: 0, sha256: "0".repeat(64), cutBytes: 0 });

  it.each([
    ["a key that no object can have", '{"__proto__":{"admin":true}}', 'a key named "__proto__"'],
    ["one deep inside", '{"a":[{"b":{"__proto__":1}}]}', 'a key named "__proto__"'],
    ["a huge key", `{"${"k".repeat(60_000)}":1}`, "values.k"],
    ["more than a step may hand on", `{"a":"${"é".repeat(VALUES_MAX_BYTES / 2)}"}`, "values: over 64 KiB"],
  ])("refuse values of a step with %s", (_, values, words) => {
    const parsed = parseFrame(agentDataMessageSchema, finished(values));
    expect(parsed).toEqual({ ok: false, reason: expect.stringContaining(words) });
    expect(parsed.ok || parsed.reason.length).toBeLessThanOrEqual(200);
  });

  it("keep as data what only looks dangerous", () => {
    const values = {
      constructor: "x",
      toString: [1],
      a: "\u0000\u0007\ud800\u202e",
      b: { hasOwnProperty: null },
    };
    expect(parseFrame(agentDataMessageSchema, finished(JSON.stringify(values)))).toMatchObject({
      ok: true,
      message: { values },
    });
  });

  it("refuse fields nobody knows, and say where", () => {
    const frame = JSON.stringify({ type: "ack", id: "x", admin: true });
    expect(parseFrame(agentDataMessageSchema, frame)).toMatchObject({
      ok: false,
      reason: expect.stringContaining("admin"),
    });
    const wrong = JSON.stringify({ type: "lease.accepted", leaseId: "x", fence: "one" });
    expect(parseFrame(agentControlMessageSchema, wrong)).toMatchObject({
      ok: false,
      reason: expect.stringContaining("fence"),
    });
  });
});
