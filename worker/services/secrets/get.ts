import type { Secret } from "#protocol/api/secrets.ts";
import type { Env } from "../../env.ts";
import { notFound } from "../../errors.ts";
import { listSecrets } from "./list.ts";

/** One secret: who holds it, and who was asked to. @throws ApiError `not_found` */
export async function getSecret(env: Env, organizationId: string, name: string): Promise<Secret> {
  const secret = (await listSecrets(env, organizationId)).find((each) => each.name === name);
  if (!secret) throw notFound("secret");
  return secret;
}
