/** One contract for every provider of secrets, and what each does beyond it. */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../clock.ts";
import type { Environment } from "../config.ts";
import { KnownSecrets } from "../redact/known.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { silentLog } from "../testing/silent-log.ts";
import { EnvProvider } from "./env.ts";
import { ExecProvider } from "./exec.ts";
import { FileProvider } from "./file.ts";
import { SecretKeeper } from "./keeper.ts";
import { SecretFailure, type SecretProvider } from "./provider.ts";
import { SecretStore } from "./store.ts";
import { systemdProvider } from "./systemd.ts";
import { VaultProvider, vaultConfigSchema } from "./vault.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "farhand-secrets-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/**
 * A server that follows the part of Vault's HTTP API that is documented for KV
 * version 2, tokens and AppRole: paths, methods, headers, statuses and bodies.
 */
class VaultServer {
  readonly values = new Map<string, Record<string, unknown>>();
  readonly tokens = new Map<string, { ttl: number; renewable: boolean }>();
  readonly requests: string[] = [];
  readonly renewals: string[] = [];
  namespace: string | undefined;
  secretId = "sid";
  hangs = false;
  #logins = 0;
  readonly #server: Server = createServer((request, response) => {
    void this.#answer(request).then((answer) => {
      if (answer)
        response.writeHead(answer[0], { "content-type": "application/json" }).end(JSON.stringify(answer[1]));
    });
  });

  async open(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  get address(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
  }

  reset(): void {
    this.values.clear();
    this.tokens.clear();
    this.tokens.set("root", { ttl: 0, renewable: false });
    this.requests.length = 0;
    this.renewals.length = 0;
    this.namespace = undefined;
    this.secretId = "sid";
    this.hangs = false;
  }

  async #answer(request: IncomingMessage): Promise<[number, unknown] | undefined> {
    const parts: Buffer[] = [];
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
    const path = request.url ?? "";
    this.requests.push(`${request.method} ${path}`);
    if (this.hangs) return undefined;
    const denied: [number, unknown] = [403, { errors: ["permission denied"] }];
    if (this.namespace !== undefined && request.headers["x-vault-namespace"] !== this.namespace)
      return [404, { errors: [] }];
    if (path === "/v1/auth/approle/login" && request.method === "POST") {
      const { role_id, secret_id } = JSON.parse(Buffer.concat(parts).toString());
      if (role_id !== "rid" || secret_id !== this.secretId)
        return [400, { errors: ["invalid role or secret ID"] }];
      const token = `hvs.${++this.#logins}`;
      this.tokens.set(token, { ttl: 60, renewable: true });
      return [
        200,
        { auth: { client_token: token, lease_duration: 60, renewable: true, policies: ["default"] } },
      ];
    }
    const token = String(request.headers["x-vault-token"]);
    const known = this.tokens.get(token);
    if (!known) return denied;
    if (path === "/v1/auth/token/lookup-self") return [200, { data: { ...known, id: token } }];
    if (path === "/v1/auth/token/renew-self" && request.method === "POST") {
      this.renewals.push(token);
      return [200, { auth: { client_token: token, lease_duration: known.ttl, renewable: true } }];
    }
    if (path.startsWith("/v1/secret/data/forbidden")) return denied;
    const data = this.values.get(path.replace("/v1/secret/data/", ""));
    if (!data) return [404, { errors: [] }];
    return [200, { data: { data, metadata: { version: 1, destroyed: false, deletion_time: "" } } }];
  }
}

const vault = new VaultServer();
beforeAll(() => vault.open());
afterAll(() => vault.close());
beforeEach(() => vault.reset());

interface Bench {
  provider: SecretProvider;
  put(name: string, value: string): void;
}

const NAMES = ["db-password", "other"];

function vaultProvider(
  more: Record<string, unknown> = {},
  env: Environment = { VAULT_TOKEN: "root" },
  clock = systemClock,
) {
  const secrets = Object.fromEntries(NAMES.map((name) => [name, `app/${name}#pass`]));
  const base = { type: "vault", address: vault.address, auth: { tokenVariable: "VAULT_TOKEN" }, secrets };
  return new VaultProvider(vaultConfigSchema.parse({ ...base, ...more }), env, clock);
}

const BENCHES: Record<string, () => Bench> = {
  env: () => {
    const env: Environment = {};
    return {
      provider: new EnvProvider({ type: "env", secrets: { other: "OTHER" } }, env),
      put: (name, value) => {
        env[name === "other" ? "OTHER" : "FARHAND_SECRET_DB_PASSWORD"] = value;
      },
    };
  },
  file: () => ({
    provider: new FileProvider({ type: "file", folder: root, sharedRead: false }),
    put: (name, value) => writeFileSync(join(root, name), value, { mode: 0o600 }),
  }),
  systemd: () => {
    const provider = systemdProvider({ CREDENTIALS_DIRECTORY: root });
    if (!provider) throw new Error("systemd gave credentials");
    return { provider, put: (name, value) => writeFileSync(join(root, name), value, { mode: 0o400 }) };
  },
  exec: () => {
    const program = join(root, "give");
    writeFileSync(program, `#!/bin/sh\ncat "$1/value.$2"\n`, { mode: 0o700 });
    return {
      provider: new ExecProvider({ type: "exec", command: [program, root], secrets: NAMES, env: {} }),
      put: (name, value) => writeFileSync(join(root, `value.${name}`), value),
    };
  },
  store: () => {
    const store = new SecretStore(join(root, "store"));
    return { provider: store, put: (name, value) => store.set(name, Buffer.from(value)) };
  },
  vault: () => ({
    provider: vaultProvider(),
    put: (name, value) => void vault.values.set(`app/${name}`, { pass: value }),
  }),
};

const signal = () => new AbortController().signal;

describe.each(Object.entries(BENCHES))("the %s provider", (type, make) => {
  it("lists names, gives values as they are now, and says when it has none", async () => {
    const { provider, put } = make();
    put("db-password", "hunter2 ✓ \"'$");
    put("other", "another");
    expect(provider.type).toBe(type);
    expect((await provider.list()).toSorted()).toEqual(NAMES);
    expect((await provider.resolve("db-password", signal())).toString()).toBe("hunter2 ✓ \"'$");
    put("db-password", "rotated");
    expect((await provider.resolve("db-password", signal())).toString()).toBe("rotated");
    const failure = await provider.resolve("nothing-such", signal()).catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: "SecretFailure", code: "secret_missing" });
  });

  it("gives several at once", async () => {
    const { provider, put } = make();
    put("db-password", "one");
    put("other", "two");
    const all = await Promise.all(NAMES.map((name) => provider.resolve(name, signal())));
    expect(all.map(String)).toEqual(["one", "two"]);
  });
});

async function failureOf(promise: Promise<unknown>): Promise<SecretFailure> {
  const error = await promise.then(() => undefined).catch((reason: unknown) => reason);
  if (error instanceof SecretFailure) return error;
  throw new Error(`no SecretFailure but ${String(error)}`);
}

describe("files", () => {
  const provider = (sharedRead = false) =>
    new FileProvider({ type: "file", folder: join(root, "in"), sharedRead });
  beforeEach(() => mkdirSync(join(root, "in")));

  it.each([
    [0o644, "may be read by everybody"],
    [0o620, "may be written by others"],
  ])("of mode %i are not taken", async (mode, words) => {
    writeFileSync(join(root, "in", "a"), "x");
    chmodSync(join(root, "in", "a"), mode);
    expect(await failureOf(provider().resolve("a"))).toMatchObject({
      code: "secret_denied",
      message: expect.stringContaining(words),
    });
  });

  it("as containers mount them are taken when they are told to be", async () => {
    mkdirSync(join(root, "in", "..data"));
    writeFileSync(join(root, "in", "..data", "a"), "mounted", { mode: 0o644 });
    symlinkSync("..data/a", join(root, "in", "a"));
    expect((await provider(true).resolve("a")).toString()).toBe("mounted");
  });

  it("are not looked for outside of the folder", async () => {
    writeFileSync(join(root, "outside"), "x", { mode: 0o600 });
    symlinkSync(join(root, "outside"), join(root, "in", "a"));
    expect((await failureOf(provider().resolve("a"))).code).toBe("secret_denied");
  });

  it("that are no files, or too large, are told", async () => {
    mkdirSync(join(root, "in", "folder"));
    writeFileSync(join(root, "in", "large"), Buffer.alloc(64 * 1024 + 1), { mode: 0o600 });
    expect((await failureOf(provider().resolve("folder"))).message).toContain("is no file");
    expect((await failureOf(provider().resolve("large"))).message).toContain("over 64 KiB");
  });
});

describe("programs", () => {
  const provider = (script: string) =>
    new ExecProvider({
      type: "exec",
      command: ["/bin/sh", "-c", script, "sh"],
      secrets: ["a"],
      env: { X: "y" },
    });

  it.each([
    ["exit 3", "ended with exit code 3"],
    ["head -c 100000 /dev/zero", "printed more than 64 KiB"],
  ])("that do wrong are told: %s", async (script, words) => {
    const failure = await failureOf(provider(script).resolve("a", signal()));
    expect(failure).toMatchObject({ code: "secret_failed", message: expect.stringContaining(words) });
  });

  it("get the name, and an environment that is made for them", async () => {
    const value = await provider('echo "$1 $X $HOME"').resolve("a", signal());
    expect(value.toString()).toBe("a y \n");
  });

  it("that hang are ended with what they started", async () => {
    const controller = new AbortController();
    const failing = failureOf(
      provider(`echo $$ > ${root}/pid; sleep 1000 & wait`).resolve("a", controller.signal),
    );
    await expect.poll(() => readdirSync(root)).toContain("pid");
    controller.abort();
    expect((await failing).message).toContain("was ended by SIGKILL");
  });
});

describe("the store", () => {
  it("keeps values and its key unreadable for others, and values encrypted", () => {
    const folder = join(root, "store");
    new SecretStore(folder).set("a", Buffer.from("hunter2hunter2"));
    expect(["a", ".key"].map((name) => statSync(join(folder, name)).mode & 0o777)).toEqual([0o600, 0o600]);
    expect(readFileSync(join(folder, "a"), "latin1")).not.toContain("hunter2");
  });

  it("keeps a secret whose name is that of another with an ending", async () => {
    const store = new SecretStore(join(root, "store"));
    for (const name of ["db.new", "db"]) store.set(name, Buffer.from(`value of ${name}`));
    expect((await store.list()).toSorted()).toEqual(["db", "db.new"]);
    expect((await store.resolve("db.new")).toString()).toBe("value of db.new");
  });

  it("opens nothing that was changed, renamed, or kept under another key", async () => {
    const store = new SecretStore(join(root, "store"));
    const file = (name: string) => join(root, "store", name);
    store.set("a", Buffer.from("one"));
    renameSync(file("a"), file("b"));
    expect((await failureOf(store.resolve("b"))).message).toContain("damaged");
    store.set("a", Buffer.from("one"));
    const bytes = Buffer.from(readFileSync(file("a"), "latin1"), "base64");
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    writeFileSync(file("a"), bytes.toString("base64"));
    expect((await failureOf(store.resolve("a"))).code).toBe("secret_failed");
    store.set("a", Buffer.from("one"));
    writeFileSync(file(".key"), Buffer.alloc(32));
    expect((await failureOf(store.resolve("a"))).message).toContain("set it again");
  });

  it("keeps any bytes", async () => {
    const store = new SecretStore(join(root, "store"));
    const value = Buffer.from([0, 255, 10, 13, 0x80]);
    store.set("a", value);
    expect(await store.resolve("a")).toEqual(value);
    expect([store.remove("a"), store.remove("a"), await store.list()]).toEqual([true, false, []]);
  });
});

describe("Vault", () => {
  beforeEach(() => void vault.values.set("app/db-password", { pass: "hunter2", number: 7 }));

  it("is asked in its namespace, at the mount and path that this host says", async () => {
    vault.namespace = "team-a";
    const value = await vaultProvider({ namespace: "team-a" }).resolve("db-password", signal());
    expect(value.toString()).toBe("hunter2");
    expect(vault.requests).toContain("GET /v1/secret/data/app/db-password");
    const none = await failureOf(vaultProvider().resolve("db-password", signal()));
    expect(none.code).toBe("secret_missing");
  });

  it.each([
    [
      "no such field",
      { secrets: { a: "app/db-password#nothing" } },
      "secret_missing",
      "app/db-password#nothing",
    ],
    [
      "a path it may not read",
      { secrets: { a: "forbidden/x" } },
      "secret_denied",
      "does not let the agent read",
    ],
    [
      "no token",
      { auth: { tokenVariable: "NONE" }, secrets: { a: "x" } },
      "secret_failed",
      "no token of Vault in NONE",
    ],
    [
      "no token file",
      { auth: { tokenFile: "/nowhere" }, secrets: { a: "x" } },
      "secret_failed",
      "/nowhere (ENOENT)",
    ],
    [
      "nobody there",
      { address: "http://127.0.0.1:1", secrets: { a: "x" } },
      "secret_failed",
      "cannot be asked",
    ],
  ])("says when there is %s", async (_, more, code, words) => {
    const failure = await failureOf(vaultProvider(more).resolve("a", signal()));
    expect(failure).toMatchObject({ code, message: expect.stringContaining(words) });
  });

  it("gives what is no text as JSON", async () => {
    const provider = vaultProvider({ secrets: { a: "app/db-password#number" } });
    expect((await provider.resolve("a", signal())).toString()).toBe("7");
  });

  it("reads the token's file each time", async () => {
    const tokenFile = join(root, "token");
    writeFileSync(tokenFile, "wrong\n");
    const provider = vaultProvider({ auth: { tokenFile } });
    expect((await failureOf(provider.resolve("db-password", signal()))).code).toBe("secret_denied");
    writeFileSync(tokenFile, "root\n");
    expect((await provider.resolve("db-password", signal())).toString()).toBe("hunter2");
  });

  it("logs in with a role once, and again when its token has ended", async () => {
    const secretIdFile = join(root, "sid");
    writeFileSync(secretIdFile, "sid\n");
    const provider = vaultProvider({ auth: { roleId: "rid", secretIdFile } });
    for (const _ of [1, 2]) await provider.resolve("db-password", signal());
    const logins = () => vault.requests.filter((each) => each.endsWith("/login")).length;
    expect(logins()).toBe(1);
    vault.tokens.clear();
    expect((await provider.resolve("db-password", signal())).toString()).toBe("hunter2");
    expect(logins()).toBe(2);
    vault.tokens.clear();
    vault.secretId = "another";
    expect((await failureOf(provider.resolve("db-password", signal()))).message).toContain("secret id");
  });

  it.each([
    ["a token", { tokenVariable: "VAULT_TOKEN" }],
    ["a role", { roleId: "rid", secretIdFile: "sid" }],
  ])("renews the token of %s before it ends", async (_, auth) => {
    vault.tokens.set("root", { ttl: 60, renewable: true });
    writeFileSync(join(root, "sid"), "sid");
    const clock = new ManualClock();
    const where = "secretIdFile" in auth ? { ...auth, secretIdFile: join(root, "sid") } : auth;
    await vaultProvider({ auth: where }, { VAULT_TOKEN: "root" }, clock).resolve("db-password", signal());
    await clock.advance(39_000);
    expect(vault.renewals).toEqual([]);
    await clock.advance(2_000);
    await expect.poll(() => vault.renewals.length).toBe(1);
    // The next one is planned when the answer has come.
    await expect
      .poll(async () => {
        await clock.advance(41_000);
        return vault.renewals.length;
      })
      .toBeGreaterThan(1);
  });
});

describe("the keeper", () => {
  const keeperOf = (providers: SecretProvider[], clock = new ManualClock(), known = new KnownSecrets()) =>
    new SecretKeeper({ providers, known, clock, log: silentLog });
  const never: SecretProvider = {
    type: "slow",
    list: async () => ["slow"],
    resolve: () => new Promise(() => {}),
  };

  it("cuts off a provider that hangs, whatever it makes of the signal", async () => {
    const clock = new ManualClock();
    const failing = failureOf(keeperOf([never], clock).resolve("slow"));
    await clock.advance(10_001);
    expect(await failing).toMatchObject({
      code: "secret_failed",
      message: 'the secret "slow" did not come from its slow provider within 10 s',
    });
  });

  it("asks the first that has it, and tells of each name once", async () => {
    const [one, two] = [new SecretStore(join(root, "1")), new SecretStore(join(root, "2"))];
    one.set("both", Buffer.from("first-value"));
    two.set("both", Buffer.from("second-value"));
    two.set("only", Buffer.from("third-value"));
    const keeper = keeperOf([one, two]);
    expect([await keeper.look(), await keeper.look()]).toEqual([true, false]);
    expect(keeper.held.map(({ name }) => name)).toEqual(["both", "only"]);
    expect((await keeper.resolve("both")).toString()).toBe("first-value");
  });

  it("[S8] hands nothing out that could not be kept out of output, and knows what it hands out", async () => {
    const store = new SecretStore(join(root, "s"));
    store.set("pin", Buffer.from("1234\n"));
    store.set("long", Buffer.from("long enough\n"));
    const known = new KnownSecrets();
    const keeper = keeperOf([store], new ManualClock(), known);
    expect((await failureOf(keeper.resolve("pin"))).message).toContain("shorter than 6 bytes");
    await keeper.resolve("long");
    expect(known.text("it is long enough.")).toBe("it is [secret:long].");
  });

  it("[fault 37] notices new names, and new values of what running steps were given", async () => {
    const store = new SecretStore(join(root, "s"));
    store.set("a", Buffer.from("old-value"));
    const [clock, known] = [new ManualClock(), new KnownSecrets()];
    const keeper = keeperOf([store], clock, known);
    await keeper.look();
    let changes = 0;
    keeper.watch(() => changes++);
    const unused = keeper.use(["a"]);
    await keeper.resolve("a");
    store.set("a", Buffer.from("new-value"));
    store.set("b", Buffer.from("whatever"));
    await clock.advance(30_001);
    await expect
      .poll(() => [changes, known.text("old-value new-value whatever")])
      .toEqual([1, "[secret:a] [secret:a] whatever"]);
    unused();
    keeper.stop();
  });
});
