import { createPublicKey, type KeyObject } from "node:crypto";
import { jwkOf } from "#protocol/signatures/keys.ts";

/** @throws the system's error for a key that is no point of its curve */
export function keyObjectOf(publicKey: string): KeyObject {
  return createPublicKey({ key: { ...jwkOf(publicKey) }, format: "jwk" });
}
