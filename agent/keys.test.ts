import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { generateKeyPair, type Identity, requireIdentity, saveIdentity } from "./identity.ts";
import { KeyRing } from "./keys.ts";
import { statePaths } from "./paths.ts";
import { openSealingKey, readSealingKey } from "./secrets/sealingKey.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "farhand-keys-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function enrolled(agentId = "agt_1"): Identity {
  const who = { agentId, organizationId: "org_1", poolId: "pool_1", poolName: "p", name: "n", labels: {} };
  const identity = { ...generateKeyPair(), ...who, url: "https://x", slots: 1, enrolledAt: "2026-01-01" };
  saveIdentity(statePaths(folder).identity, identity);
  return identity;
}

it("[HS6] whatever is on disk after a crash, the old key or the next one is good", () => {
  const paths = statePaths(folder);
  const { publicKey: old } = enrolled();
  const open = () => KeyRing.open(paths, requireIdentity(paths));

  const next = open().prepare().publicKey;
  expect(statSync(paths.nextKey).mode & 0o777).toBe(0o600);
  const inBetween = readFileSync(paths.nextKey, "utf8");
  const keys = open();
  expect([keys.active.publicKey, keys.next?.publicKey, keys.prepare().publicKey]).toEqual([old, next, next]);
  // Refused with the old one: the next is tried, then the old one again.
  const tried = [1, 2, 3].map(() => [keys.active.publicKey, keys.refused(keys.active)]);
  expect(tried).toEqual([
    [old, true],
    [next, false],
    [old, true],
  ]);
  expect(keys.proved(keys.active, 0)).toBe(true);
  expect([open().active.publicKey, open().next]).toEqual([next, undefined]);

  // Killed between the swap and the tidying.
  writeFileSync(paths.nextKey, inBetween, { mode: 0o600 });
  expect([open().active.publicKey, open().next]).toEqual([next, undefined]);
  expect(existsSync(paths.nextKey)).toBe(false);
});

it("forgets the next key of an identity that was replaced, and says when it is damaged, or open to others", () => {
  const paths = statePaths(folder);
  KeyRing.open(paths, enrolled()).prepare();
  expect(KeyRing.open(paths, enrolled("agt_2")).next).toBeUndefined();
  writeFileSync(paths.nextKey, "{", { mode: 0o600 });
  const open = () => KeyRing.open(paths, requireIdentity(paths));
  // Enrolling again would leave it where it is.
  expect(open).toThrow("damaged: remove it");
  chmodSync(paths.nextKey, 0o640);
  expect(open).toThrow("other users may read it");
});

describe.runIf(process.getuid?.() === 0)("whose a key is", () => {
  const SOMEBODY = 65_534;
  const read = () => {
    const paths = statePaths(folder);
    const { agentId } = requireIdentity(paths);
    readSealingKey(paths.sealingKey, agentId);
  };
  const files = () => {
    const { agentId } = enrolled();
    const { identity, sealingKey } = statePaths(folder);
    openSealingKey(sealingKey, agentId);
    return { identity, sealingKey };
  };

  it.each(["identity", "sealingKey"] as const)("the %s of somebody else is refused", (which) => {
    const path = files()[which];
    chownSync(path, SOMEBODY, SOMEBODY);
    expect(read).toThrow(
      `${path} holds a private key and belongs to user ${SOMEBODY}, who can read and replace`,
    );
    expect(read).toThrow(`chown 0 ${path}`);
  });

  it("root may look at an agent of another user, which has to be able to read its own keys", () => {
    const { identity, sealingKey } = files();
    chownSync(folder, SOMEBODY, SOMEBODY);
    expect(read).toThrow(
      `${identity} holds a private key and belongs to root, and the agent, which runs as user ${SOMEBODY}, may not read it: run "chown ${SOMEBODY} ${identity}"`,
    );
    chownSync(identity, SOMEBODY, SOMEBODY);
    expect(read).toThrow(`run "chown ${SOMEBODY} ${sealingKey}"`);
    chownSync(sealingKey, SOMEBODY, SOMEBODY);
    expect(read).not.toThrow();
    chownSync(identity, SOMEBODY - 1, SOMEBODY);
    expect(read).toThrow(`chown ${SOMEBODY} ${identity}`);
  });
});

it("takes no pipe for a key, and does not wait for somebody to write into it", () => {
  const { nextKey } = statePaths(folder);
  execFileSync("mkfifo", ["-m", "600", nextKey]);
  const script = `
    import { readNextKey } from ${JSON.stringify(new URL("./keys.ts", import.meta.url).href)};
    readNextKey(${JSON.stringify(nextKey)});
  `;
  const args = ["--input-type=module", "--eval", script];
  const { stderr } = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 10_000 });
  expect(stderr).toContain("is not a file");
}, 30_000);
