import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, test } from "vitest";
import { sha256Hex } from "#protocol/digest.ts";
import { problemSchema } from "#protocol/errors.ts";
import { RELEASE_PATHS, releaseText } from "#protocol/release.ts";
import { createApp } from "../../worker/app.ts";

const SCRIPT =
  "#!/bin/sh\nURL='@URL@' VERSION='@VERSION@' KEY='@RELEASE_KEY@' LIST='@MANIFEST_SHA256@' @OTHER@\n";
const BUNDLE = "0123456789";
const app = createApp();

const base64 = (bytes: ArrayBuffer) => btoa(String.fromCharCode(...new Uint8Array(bytes)));
const newKey = async () => {
  const pair = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
  if (!("privateKey" in pair)) throw new Error("no pair");
  const spki = await crypto.subtle.exportKey("spki", pair.publicKey);
  if (!(spki instanceof ArrayBuffer)) throw new Error("no SPKI");
  return { ...pair, spki: base64(spki) };
};
const key = await newKey();

async function ask(path: string, init: RequestInit = {}, releaseKey: string | undefined = key.spki) {
  const request = new Request(`https://farhand.test${path}`, init);
  return app.fetch(request, { ...env, RELEASE_KEY: releaseKey }, createExecutionContext());
}

/** Puts a release there; `signer` may be somebody else. */
async function publish(version: string, script = SCRIPT, listed = script, signer = key): Promise<string> {
  const files = { "install.sh": script, "farhand-agent.mjs": BUNDLE };
  const artifacts = await Promise.all(
    Object.entries({ ...files, "install.sh": listed }).map(async ([name, text]) => {
      return { name, size: text.length, sha256: await sha256Hex(text) };
    }),
  );
  const list = releaseText({ product: "farhand-agent", version, artifacts });
  const signature = await crypto.subtle.sign("Ed25519", signer.privateKey, new TextEncoder().encode(list));
  const all = { ...files, "release.json": list, "release.json.sig": signature };
  for (const [name, content] of Object.entries(all)) {
    await env.RELEASES.put(RELEASE_PATHS.file(version, name), content);
  }
  await env.RELEASES.put(RELEASE_PATHS.latest, JSON.stringify({ version }));
  return list;
}

const problemOf = async (response: Response) => problemSchema.parse(await response.json());

test("without a release, or a key to check it, no script is offered", async () => {
  expect((await problemOf(await ask("/install.sh"))).code).toBe("not_found");
  await publish("0.9.0");
  const request = new Request("https://farhand.test/install.sh");
  const response = await app.fetch(request, env, createExecutionContext());
  expect((await problemOf(response)).detail).toBe("No release of the agent is offered here yet.");
});

describe("[S17] the script that installs an agent", () => {
  test("is the release's own, with this control plane filled in", async () => {
    const list = await publish("1.2.3");
    const response = await ask("/install.sh");
    expect([
      response.status,
      response.headers.get("content-type"),
      response.headers.get("cache-control"),
    ]).toEqual([200, "text/plain; charset=utf-8", "no-cache"]);
    const filled = `URL='https://farhand.test' VERSION='1.2.3' KEY='${key.spki}' LIST='${await sha256Hex(list)}'`;
    expect(await response.text()).toBe(`#!/bin/sh\n${filled} @OTHER@\n`);
  });

  test.each([
    ["signed by somebody else", async () => publish("1.2.4", SCRIPT, SCRIPT, await newKey())],
    ["changed after the list was signed", () => publish("1.2.5", `${SCRIPT}rm -rf /\n`, SCRIPT)],
    ["half there", async () => env.RELEASES.put(RELEASE_PATHS.latest, '{"version":"9.9.9"}')],
    [
      "behind a pointer that leads nowhere",
      () => env.RELEASES.put(RELEASE_PATHS.latest, '{"version":"../x"}'),
    ],
    ["behind a pointer that is none", () => env.RELEASES.put(RELEASE_PATHS.latest, "hello")],
  ])("is not offered when the release is %s", async (_, spoil) => {
    await spoil();
    const response = await ask("/install.sh");
    expect(response.status).toBe(503);
    expect(await response.text()).not.toContain("#!/bin/sh");
  });
});

describe("a file of a release", () => {
  const path = "/releases/1.0.0/farhand-agent.mjs";
  beforeAll(() => publish("1.0.0"));

  test("comes whole, and may be kept for ever", async () => {
    const response = await ask(path);
    const headers = Object.fromEntries(response.headers);
    expect([response.status, await response.text()]).toEqual([200, BUNDLE]);
    expect(headers).toMatchObject({
      "cache-control": "public, max-age=31536000, immutable",
      "content-length": "10",
      "content-type": "text/javascript; charset=utf-8",
      "accept-ranges": "bytes",
      "x-content-type-options": "nosniff",
    });
  });

  test("can be asked for its headers", async () => {
    const response = await ask(path, { method: "HEAD" });
    expect([response.status, response.headers.get("content-length"), await response.text()]).toEqual([
      200,
      "10",
      "",
    ]);
    expect((await ask("/releases/1.0.0/other", { method: "HEAD" })).status).toBe(404);
  });

  test.each([
    ["bytes=2-4", 206, "234", "bytes 2-4/10"],
    ["bytes=7-", 206, "789", "bytes 7-9/10"],
    ["bytes=-3", 206, "789", "bytes 7-9/10"],
    ["bytes=8-99", 206, "89", "bytes 8-9/10"],
    ["lines=1-2", 200, BUNDLE, null],
  ])("comes in part: %s", async (range, status, text, contentRange) => {
    const response = await ask(path, { headers: { range } });
    expect([response.status, await response.text(), response.headers.get("content-range")]).toEqual([
      status,
      text,
      contentRange,
    ]);
  });

  test("has no bytes beyond its end", async () => {
    const response = await ask(path, { headers: { range: "bytes=10-" } });
    expect([response.status, response.headers.get("content-range")]).toEqual([416, "bytes */10"]);
  });

  test("is not sent again to who has it", async () => {
    const etag = (await ask(path, { method: "HEAD" })).headers.get("etag") ?? "";
    const response = await ask(path, { headers: { "if-none-match": etag } });
    expect([response.status, await response.text()]).toEqual([304, ""]);
    expect((await ask(path, { headers: { "if-match": '"other"' } })).status).toBe(412);
  });

  test.each([
    "/releases/1.0.0/other",
    "/releases/1.0.0/..%2f1.0.0%2finstall.sh",
    "/releases/9.9.9/install.sh",
    "/releases/",
  ])("is not found at %s", async (address) => {
    expect((await problemOf(await ask(address))).code).toBe("not_found");
  });

  test("is only ever read", async () => {
    for (const method of ["POST", "PUT", "DELETE"]) {
      expect((await problemOf(await ask(path, { method }))).code).toBe("method_not_allowed");
    }
  });

  test("the newest is named for a minute", async () => {
    await env.RELEASES.put(RELEASE_PATHS.latest, JSON.stringify({ version: "1.0.0" }));
    const response = await ask("/releases/latest.json");
    expect([await response.json(), response.headers.get("cache-control")]).toEqual([
      { version: "1.0.0" },
      "public, max-age=60",
    ]);
  });
});

test("names that no release can have are not found, however they are written", async () => {
  for (const path of [
    `/releases/1.2.3/${"a".repeat(1_200)}`,
    "/releases/..%2F..%2Fother/x",
    "/releases/1.2.3/..%2Flatest.json",
    "/releases/1.2.3/%00",
    "/releases/1.2.3/%ff",
    "/releases/1.2.3/a%0d%0ab",
    "/releases/1.2.3/%F0%9F%92%A9",
  ]) {
    expect([path.slice(0, 40), (await ask(path)).status]).toEqual([path.slice(0, 40), 404]);
  }
});
