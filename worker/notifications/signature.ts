/** Signatures of webhooks as Standard Webhooks has them: HMAC-SHA256 over `id.timestamp.body`. */
const PREFIX = "whsec_";
/** 256 random bits. */
const SECRET_BYTES = 32;

export function newWebhookSecret(): string {
  return PREFIX + Buffer.from(crypto.getRandomValues(new Uint8Array(SECRET_BYTES))).toString("base64");
}

/**
 * The headers of one attempt.
 * @param secrets each signs: the current one first, and during a rotation the previous one
 * @param at when the attempt is made; receivers refuse what is too old
 */
export async function signedHeaders(
  secrets: readonly string[],
  id: string,
  body: string,
  at: Date,
): Promise<Record<string, string>> {
  const timestamp = String(Math.floor(at.getTime() / 1000));
  const content = new TextEncoder().encode(`${id}.${timestamp}.${body}`);
  const signatures = await Promise.all(secrets.map((secret) => sign(secret, content)));
  return {
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": signatures.join(" "),
  };
}

async function sign(secret: string, content: Uint8Array): Promise<string> {
  const bytes = new Uint8Array(Buffer.from(secret.slice(PREFIX.length), "base64"));
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", bytes, algorithm, false, ["sign"]);
  const signature = await crypto.subtle.sign("HMAC", key, content);
  return `v1,${Buffer.from(signature).toString("base64")}`;
}
