/** Agents that have enrolled through the worker's own entry, and the assertions with which they call. */
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { joinTokenCreatedSchema } from "#protocol/api/pools.ts";
import { AGENT_PATHS, enrollResponseSchema } from "#protocol/assertion.ts";
import { SUBPROTOCOL } from "#protocol/version.ts";
import { call, dataOf, ORIGIN, type Person, request } from "./harness.ts";

export async function makeJoinToken({ key }: Person, body: Record<string, unknown> = {}): Promise<string> {
  const answer = await call("/api/v1/join-tokens", { method: "POST", key, body });
  return dataOf(answer, joinTokenCreatedSchema).token;
}

export async function makeKeyPair() {
  const { privateKey, publicKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  return { privateKey, publicKey: (await exportJWK(publicKey)).x ?? "" };
}

export function enroll(joinToken: string, publicKey: string, more: Record<string, unknown> = {}) {
  const body = { joinToken, publicKey, name: "db-1", labels: { role: "db" }, agentVersion: "0.1.0", ...more };
  return call(AGENT_PATHS.enroll, {
    method: "POST",
    body,
    headers: { "cf-connecting-ip": crypto.randomUUID() },
  });
}

export async function makeEnrolledAgent(person: Person) {
  const keys = await makeKeyPair();
  const enrolled = dataOf(await enroll(await makeJoinToken(person), keys.publicKey), enrollResponseSchema);
  return { ...keys, ...enrolled };
}

export type TestAgent = Awaited<ReturnType<typeof makeEnrolledAgent>>;

interface AssertionOptions {
  path?: string;
  audience?: string;
  iat?: number;
  exp?: number;
  sub?: string;
  alg?: string;
  key?: Parameters<SignJWT["sign"]>[0];
  counter?: number;
  newKey?: string;
}

export function assertionOf(agent: TestAgent, options: AssertionOptions = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const { path = AGENT_PATHS.control, iat = now, exp = iat + 60 } = options;
  const { counter, newKey } = options;
  return new SignJWT({ jti: crypto.randomUUID(), iat, exp, counter, newKey })
    .setProtectedHeader({ alg: options.alg ?? "EdDSA" })
    .setSubject(options.sub ?? agent.agentId)
    .setAudience(options.audience ?? ORIGIN + path)
    .sign(options.key ?? agent.privateKey);
}

export function dial(
  path: string,
  assertion: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  return request(path, {
    headers: {
      upgrade: "websocket",
      "sec-websocket-protocol": SUBPROTOCOL,
      authorization: `Bearer ${assertion}`,
      "cf-connecting-ip": crypto.randomUUID(),
      ...headers,
    },
  });
}
