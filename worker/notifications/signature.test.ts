import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import { newWebhookSecret, signedHeaders } from "./signature.ts";

test("[S10] a message is signed as the published example of Standard Webhooks is", async () => {
  const secret = "whsec_plJ3nmyCDGBKInavdOK15jsl";
  const body = '{"event_type":"ping","data":{"success":true}}';
  const at = new Date(1_731_705_121_000);
  expect(await signedHeaders([secret], "msg_loFOjxBNrRLzqYUf", body, at)).toEqual({
    "webhook-id": "msg_loFOjxBNrRLzqYUf",
    "webhook-timestamp": "1731705121",
    "webhook-signature": "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
  });
});

test("[S10] during a rotation each secret signs, and secrets are 256 random bits", async () => {
  const secrets = [newWebhookSecret(), newWebhookSecret()];
  expect(new Set(secrets).size).toBe(2);
  const headers = await signedHeaders(secrets, "msg_a", "{}", new Date(5_999));
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
    expect(key).toHaveLength(32);
    return `v1,${createHmac("sha256", key).update("msg_a.5.{}").digest("base64")}`;
  });
  expect(headers["webhook-signature"]).toBe(signatures.join(" "));
});
