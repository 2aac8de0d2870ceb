import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { accountOf, closedFolder, switchArguments } from "./account.ts";

const folder = mkdtempSync(join(tmpdir(), "farhand-account-"));
afterAll(() => rmSync(folder, { recursive: true }));
const root = { uid: 0, username: "root" };
const account = { name: "web", uid: 12_345, gid: 12_346, home: "/", shell: "/bin/sh", setpriv: "setpriv" };

function program(name: string, script: string): string {
  const path = mkdtempSync(join(folder, "path-"));
  writeFileSync(join(path, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return path;
}

it("is the agent's own when the block names none, or that one", async () => {
  expect(await accountOf(undefined, root)).toBeUndefined();
  expect(await accountOf("root", root)).toBeUndefined();
});

it.each([
  [
    "an agent that is not root",
    { uid: 1000, username: "ada" },
    "/nowhere",
    /runs as "ada" and only root may/,
  ],
  ["a host without setpriv", root, "/nowhere", /needs setpriv .*: install it/],
  ["a host without getent", root, program("setpriv", ""), /needs getent: install it/],
])("is refused in words on %s", async (_, own, path, words) => {
  await expect(accountOf("web", own, path)).rejects.toThrow(words);
});

it("is looked up by name, and refused when nobody has it", async () => {
  const setpriv = program("setpriv", "");
  const known = `${setpriv}:${program("getent", "echo 'web:x:12345:12346:Web:/srv/web:'")}`;
  expect(await accountOf("web", root, known)).toEqual({
    ...{ name: "web", uid: 12_345, gid: 12_346, home: "/srv/web", shell: "/bin/sh" },
    setpriv: join(setpriv, "setpriv"),
  });
  const unknown = `${setpriv}:${program("getent", "exit 2")}`;
  await expect(accountOf("web", root, unknown)).rejects.toThrow(/no account "web"/);
});

it("[S7] is the step user when the block names none, and root for nobody where there is one", async () => {
  const entries = { web: "web:x:12345:12346::/:", root: "root:x:0:0::/root:" };
  const lookUp = Object.entries(entries).map(([name, entry]) => `[ "$2" = ${name} ] && echo '${entry}'`);
  const path = `${program("setpriv", "")}:${program("getent", [...lookUp, "true"].join("\n"))}`;
  expect(await accountOf(undefined, { ...root, stepUser: "web" }, path)).toMatchObject({
    name: "web",
    uid: 12_345,
  });
  for (const [named, stepUser] of [["root", "web"] as const, [undefined, "root"] as const]) {
    await expect(accountOf(named, { ...root, stepUser }, path)).rejects.toThrow(/no step runs as root here/);
  }
});

it("takes on user, group and the other groups before the command", () => {
  expect(switchArguments(account, ["/bin/sh", "x"])).toEqual([
    ...["--reuid=web", "--regid=12346", "--init-groups", "--", "/bin/sh", "x"],
  ]);
});

it("knows the folder that an account may not enter", () => {
  const outer = join(folder, "outer");
  mkdirSync(join(outer, "inner"), { recursive: true });
  chmodSync(folder, 0o711);
  chmodSync(join(outer, "inner"), 0o711);
  chmodSync(outer, 0o700);
  expect(closedFolder(join(outer, "inner"), account)).toBe(outer);
  chmodSync(outer, 0o711);
  expect(closedFolder(join(outer, "inner"), account)).toBeUndefined();
});
