import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { SCOPES } from "#protocol/actor.ts";
import { apiKeyCreatedSchema, apiKeySchema, meSchema } from "#protocol/api/keys.ts";
import { poolSchema } from "#protocol/api/pools.ts";
import { problemSchema } from "#protocol/errors.ts";
import { createApp } from "../../worker/app.ts";
import { call, dataOf, makeKey, ORIGIN, sessionCookieOf, signUp } from "./harness.ts";

const origin = { origin: ORIGIN };
const codeOf = (answer: { json: unknown }) => problemSchema.parse(answer.json).code;

describe("people", () => {
  test("signing up makes an organization with the person as its owner and a default pool", async () => {
    const person = await signUp("Grace");
    const me = dataOf(await call("/api/v1/me", { cookie: person.cookie }), meSchema);
    expect(me.organization.name).toBe("Grace's organization");
    expect(me.actor).toMatchObject({ type: "user", name: "Grace", email: person.email });
    expect(me.scopes.sort()).toEqual([...SCOPES].sort());
    const pools = dataOf(await call("/api/v1/pools", person), z.array(poolSchema));
    expect(pools.map((pool) => pool.name)).toEqual(["default"]);
  });

  test("[S1] the session cookie is __Host-, Secure, HttpOnly and for the whole host", async () => {
    const person = await signUp();
    const answer = await call("/api/auth/sign-in/email", {
      method: "POST",
      body: { email: person.email, password: person.password },
      headers: { ...origin, "cf-connecting-ip": "cookie" },
    });
    const cookie = answer.headers.getSetCookie().find((each) => each.startsWith("__Host-farhand_session="));
    expect(cookie).toMatch(/; Path=\//);
    expect(cookie).toMatch(/; HttpOnly/);
    expect(cookie).toMatch(/; Secure/);
    expect(cookie).toMatch(/; SameSite=Lax/);
    expect(cookie).not.toMatch(/; Domain/);
  });

  test("[S1] the session's token is in the cookie only, where no script can read it", async () => {
    const person = await signUp();
    const answer = await call("/api/auth/get-session", { cookie: person.cookie });
    expect(answer.json).toMatchObject({ user: { email: person.email } });
    const token = decodeURIComponent(person.cookie).split("=")[1]?.split(".")[0] ?? "";
    expect(token.length).toBeGreaterThanOrEqual(32);
    expect(answer.text).not.toContain(token);
    const nobody = await call("/api/auth/get-session");
    expect([nobody.status, nobody.json]).toEqual([200, null]);
  });

  test("[S1] logging in makes a new session, and a session is over at once after logging out", async () => {
    const person = await signUp();
    const again = await call("/api/auth/sign-in/email", {
      method: "POST",
      body: { email: person.email, password: person.password },
      headers: { ...origin, "cf-connecting-ip": "again" },
      cookie: person.cookie,
    });
    const fresh = sessionCookieOf(again);
    expect(fresh).not.toBe(person.cookie);
    const out = await call("/api/auth/sign-out", {
      method: "POST",
      cookie: fresh,
      headers: origin,
      body: {},
    });
    expect(out.status).toBe(200);
    expect((await call("/api/v1/me", { cookie: fresh })).status).toBe(401);
  });

  test("[S1] a session whose signature is not ours is nobody", async () => {
    const person = await signUp();
    const forged = person.cookie.replace(/=.{4}/, "=AAAA");
    const answer = await call("/api/v1/me", { cookie: forged });
    expect(answer.status).toBe(401);
    expect(codeOf(answer)).toBe("unauthenticated");
  });

  test("a wrong password and an unknown address get the same answer", async () => {
    const person = await signUp();
    const attempt = (email: string) =>
      call("/api/auth/sign-in/email", {
        method: "POST",
        body: { email, password: "wrong password" },
        headers: { ...origin, "cf-connecting-ip": email },
      });
    const [wrong, unknown] = [await attempt(person.email), await attempt("nobody@example.com")];
    expect(wrong.status).toBe(401);
    expect(problemSchema.parse(wrong.json).detail).toBe(problemSchema.parse(unknown.json).detail);
  });

  test("[S14] guessing one account's password from one address is stopped; the owner elsewhere is not", async () => {
    const person = await signUp();
    const attempt = (password: string, address: string) =>
      call("/api/auth/sign-in/email", {
        method: "POST",
        body: { email: person.email, password },
        headers: { ...origin, "cf-connecting-ip": address },
      });
    const statuses: number[] = [];
    for (let i = 0; i < 8; i++) statuses.push((await attempt(`guess ${i} of many`, "attacker")).status);
    expect(statuses.slice(0, 6)).toEqual(Array(6).fill(401));
    expect(statuses.at(-1)).toBe(429);
    expect((await attempt(person.password, "home")).status).toBe(200);
  });

  test("[S14] an address that nobody vouches for lets nobody guess on", async () => {
    const person = await signUp();
    const attempt = (address: string) =>
      createApp().fetch(
        new Request(`${ORIGIN}/api/auth/sign-in/email`, {
          method: "POST",
          body: JSON.stringify({ email: person.email, password: "a guess of many" }),
          headers: { ...origin, "content-type": "application/json", "cf-connecting-ip": address },
        }),
        { ...env, CLIENT_ADDRESS_HEADER: undefined },
        createExecutionContext(),
      );
    const statuses: number[] = [];
    for (let i = 0; i < 8; i++) statuses.push((await attempt(`forged ${i}`)).status);
    expect(statuses.slice(0, 6)).toEqual(Array(6).fill(401));
    expect(statuses.at(-1)).toBe(429);
  });

  test("what of the identity library is not meant for outside is not there", async () => {
    const { cookie } = await signUp();
    for (const path of ["organization/create", "organization/list", "update-user", "change-email", "ok"]) {
      const answer = await call(`/api/auth/${path}`, { method: "POST", cookie, headers: origin, body: {} });
      expect([path, answer.status]).toEqual([path, 404]);
    }
  });

  test.each([
    ["no e-mail address", { name: "A", email: "nonsense", password: "long enough" }],
    ["a short password", { name: "A", email: "short@example.com", password: "short" }],
    ["no name", { email: "noname@example.com", password: "long enough" }],
    ["a name in two lines", { name: "A\nB", email: "lines@example.com", password: "long enough" }],
    ["an endless name", { name: "A".repeat(201), email: "endless@example.com", password: "long enough" }],
  ])("signing up with %s is a 400 in words", async (_, body) => {
    const answer = await call("/api/auth/sign-up/email", {
      method: "POST",
      body,
      headers: { ...origin, "cf-connecting-ip": JSON.stringify(body) },
    });
    expect(answer.status).toBe(400);
    expect(problemSchema.parse(answer.json).detail.length).toBeGreaterThan(5);
  });

  test("an address that has an account cannot sign up twice", async () => {
    const person = await signUp();
    const answer = await call("/api/auth/sign-up/email", {
      method: "POST",
      body: { name: "B", email: person.email, password: "another password" },
      headers: { ...origin, "cf-connecting-ip": "twice" },
    });
    expect(answer.status).toBe(409);
  });
});

describe("[S11] requests that come with a cookie", () => {
  const create = { method: "POST", body: { name: "elsewhere" } };

  test.each([
    ["another site", { origin: "https://evil.example" }],
    ["nobody knows where", {}],
    ["null", { origin: "null" }],
  ])("change nothing when they come from %s", async (_, headers: Record<string, string>) => {
    const { cookie } = await signUp();
    const answer = await call("/api/v1/pools", { ...create, cookie, headers });
    expect(answer.status).toBe(403);
    expect(codeOf(answer)).toBe("origin_not_allowed");
  });

  test("work from the app itself, and an API key needs no origin", async () => {
    const { cookie, key } = await signUp();
    expect((await call("/api/v1/pools", { ...create, cookie, headers: origin })).status).toBe(201);
    expect((await call("/api/v1/pools", { method: "POST", body: { name: "other" }, key })).status).toBe(201);
  });

  test("change nothing for another site that names itself as the Host", async () => {
    const { cookie } = await signUp();
    const answer = await createApp().fetch(
      new Request("https://evil.example/api/v1/pools", {
        method: "POST",
        body: JSON.stringify(create.body),
        headers: { cookie, origin: "https://evil.example", "content-type": "application/json" },
      }),
      env,
      createExecutionContext(),
    );
    expect(answer.status).toBe(403);
  });

  test("[S12] open no WebSocket for another site", async () => {
    const { cookie } = await signUp();
    const headers = { upgrade: "websocket", origin: "https://evil.example" };
    expect((await call("/api/v1/feed", { cookie, headers })).status).toBe(403);
  });
});

describe("[S2] API keys", () => {
  test("work as X-API-Key and as a bearer token, and say who they are", async () => {
    const { key } = await signUp();
    const me = dataOf(await call("/api/v1/me", { key }), meSchema);
    expect(me.actor.type).toBe("api_key");
    const bearer = await call("/api/v1/me", { headers: { authorization: `Bearer ${key}` } });
    expect(dataOf(bearer, meSchema)).toEqual(me);
  });

  test("a mistyped key is refused without asking the database", async () => {
    const { key } = await signUp();
    await env.DB.exec("ALTER TABLE api_keys RENAME TO hidden");
    try {
      const answer = await call("/api/v1/me", { key: `${key.slice(0, -1)}${key.endsWith("x") ? "y" : "x"}` });
      expect(answer.status).toBe(401);
      expect(codeOf(answer)).toBe("invalid_api_key");
      expect((await call("/api/v1/me", { key })).status).toBe(503);
    } finally {
      await env.DB.exec("ALTER TABLE hidden RENAME TO api_keys");
    }
  });

  test("the key is shown once and stored only as a hash", async () => {
    const { key } = await signUp();
    const list = await call("/api/v1/api-keys", { key });
    expect(dataOf(list, z.array(apiKeySchema))[0]?.hint).toBe(key.slice(0, 12));
    expect(list.text).not.toContain(key);
    const rows = await env.DB.prepare("SELECT * FROM api_keys").all();
    expect(JSON.stringify(rows.results)).not.toContain(key.slice(8, 40));
  });

  test("a key never makes a wider key", async () => {
    const person = await signUp();
    const narrow = await makeKey(person, ["keys:write", "runbooks:read"]);
    const wider = await call("/api/v1/api-keys", {
      method: "POST",
      key: narrow,
      body: { name: "wide", scopes: ["runbooks:read", "executions:write"] },
    });
    expect(wider.status).toBe(403);
    expect(problemSchema.parse(wider.json).detail).toContain("executions:write");
    const same = await call("/api/v1/api-keys", {
      method: "POST",
      key: narrow,
      body: { name: "same", scopes: ["runbooks:read"] },
    });
    expect(same.status).toBe(201);
  });

  test("a key may do no more than its creator may now", async () => {
    const person = await signUp();
    await env.DB.prepare("UPDATE members SET role = 'member' WHERE user_id = ?").bind(person.userId).run();
    const demoted = await call("/api/v1/api-keys", { key: person.key });
    expect([demoted.status, codeOf(demoted)]).toEqual([403, "insufficient_scope"]);
    expect((await call("/api/v1/runbooks", { key: person.key })).status).toBe(200);
    await env.DB.prepare("DELETE FROM members WHERE user_id = ?").bind(person.userId).run();
    const left = await call("/api/v1/runbooks", { key: person.key });
    expect([left.status, codeOf(left)]).toEqual([401, "invalid_api_key"]);
  });

  test("a revoked and an expired key are refused, in words", async () => {
    const person = await signUp();
    const create = async () =>
      dataOf(
        await call("/api/v1/api-keys", {
          method: "POST",
          key: person.key,
          body: { name: "brief", scopes: ["runbooks:read"], expiresInDays: 1 },
        }),
        apiKeyCreatedSchema,
      );
    const revoked = await create();
    const removal = await call(`/api/v1/api-keys/${revoked.id}`, { method: "DELETE", key: person.key });
    expect(removal.status).toBe(200);
    expect(problemSchema.parse((await call("/api/v1/me", { key: revoked.key })).json).detail).toContain(
      "revoked",
    );
    const expired = await create();
    await env.DB.prepare("UPDATE api_keys SET expires_at = 1 WHERE id = ?").bind(expired.id).run();
    expect(problemSchema.parse((await call("/api/v1/me", { key: expired.key })).json).detail).toContain(
      "expired",
    );
  });

  test("its last use is noted", async () => {
    const person = await signUp();
    await call("/api/v1/me", { key: person.key });
    await expect
      .poll(async () => {
        const list = dataOf(await call("/api/v1/api-keys", { cookie: person.cookie }), z.array(apiKeySchema));
        return list[0]?.lastUsedAt;
      })
      .toBeDefined();
  });
});
