import type { SigningKey } from "#protocol/api/signatures.ts";
import { readSignature } from "#protocol/signatures/jws.ts";
import type { Statement } from "#protocol/signatures/statements.ts";
import { isSignedBy } from "#protocol/signatures/webCrypto.ts";
import type { TenantDb } from "../../db/tenant.ts";
import { ApiError } from "../../errors.ts";

type StatementOf<Type extends Statement["type"]> = Extract<Statement, { type: Type }>;

/**
 * What was signed, by a key that the organization knows. Agents verify all of
 * it again; here it is for whoever signs to hear at once what is wrong.
 * @throws ApiError `invalid_signature`
 */
export async function verifiedStatement<Type extends Statement["type"]>(
  { signatures }: Pick<TenantDb, "signatures">,
  text: string,
  expected: Omit<StatementOf<Type>, "signedAt" | "expiresAt">,
): Promise<{ statement: Statement; key: SigningKey; userId: string }> {
  const refuse = (words: string) => new ApiError("invalid_signature", `The signature ${words}.`);
  const reading = readSignature(text);
  if (!reading.ok) throw refuse(reading.problem);
  const { statement, kid } = reading.read;
  const found = await signatures.keyOf(kid);
  if (!found) throw refuse("is of a key that is not registered here; register its public half first");
  if (found.key.revokedAt) throw refuse(`is of the key "${found.key.name}", which was revoked`);
  const said = new Map<string, unknown>(Object.entries(statement));
  const wrong = Object.entries(expected).find(([name, value]) => said.get(name) !== value);
  if (wrong) throw refuse(`is over something else: its ${wrong[0]} is not ${wrong[1]}`);
  if ("expiresAt" in statement && statement.expiresAt !== undefined && statement.expiresAt <= Date.now()) {
    throw refuse("has expired");
  }
  if (!(await isSignedBy(reading.read, found.key.publicKey))) {
    throw refuse(`was not made with the key "${found.key.name}"`);
  }
  return { statement, ...found };
}
