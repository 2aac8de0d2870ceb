import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { agentControlMessageSchema, poolControlMessageSchema } from "./control.ts";
import { agentDataMessageSchema, coordinatorDataMessageSchema } from "./data.ts";
import { canonicalJson, digestOf } from "./digest.ts";
import { deriveId, ID_PREFIXES, type IdKind, isId, newId } from "./ids.ts";
import { JSON_DEPTH_MAX } from "./limits.ts";
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
    ["maps", '{"a":'.repeat(100_000) + "1" + "}".repeat(100_000)],
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
