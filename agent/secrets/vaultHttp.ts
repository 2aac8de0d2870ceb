import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { SECRET_MAX_BYTES } from "#protocol/secrets.ts";
import { wordsOf } from "../log.ts";
import { SecretFailure } from "./provider.ts";

export interface VaultQuestion {
  address: string;
  /** PEM; the authorities of the host when absent. */
  ca: string | undefined;
  namespace: string | undefined;
  method: "GET" | "POST";
  /** Below `/v1/`. */
  path: string;
  token: string | undefined;
  body: Record<string, string> | undefined;
  signal: AbortSignal;
}

export interface VaultAnswer {
  status: number;
  /** What JSON it was; undefined for anything else. */
  body: unknown;
}

/** A secret among its others, as JSON. */
const ANSWER_MAX_BYTES = 16 * SECRET_MAX_BYTES;

/** One exchange with Vault. Redirects are not followed: a token goes to one address. @throws SecretFailure */
export async function askVault(question: VaultQuestion): Promise<VaultAnswer> {
  const { address, ca, namespace, method, path, token, body, signal } = question;
  const url = new URL(`${address.replace(/\/+$/, "")}/v1/${path}`);
  const send = url.protocol === "https:" ? requestHttps : requestHttp;
  const text = body && JSON.stringify(body);
  try {
    return await new Promise<VaultAnswer>((resolve, reject) => {
      const outgoing = send(url, {
        ...{ method, signal, agent: false, ...(ca !== undefined && { ca }) },
        headers: {
          "x-vault-request": "true",
          ...(token !== undefined && { "x-vault-token": token }),
          ...(namespace !== undefined && { "x-vault-namespace": namespace }),
          ...(text !== undefined && {
            "content-type": "application/json",
            "content-length": Buffer.byteLength(text),
          }),
        },
      });
      outgoing.once("error", reject);
      outgoing.once("response", (incoming) => {
        const parts: Buffer[] = [];
        let bytes = 0;
        incoming.on("data", (part: Buffer) => {
          parts.push(part);
          bytes += part.length;
          if (bytes > ANSWER_MAX_BYTES) incoming.destroy(new Error("its answer is too large"));
        });
        incoming.once("error", reject);
        incoming.once("end", () =>
          resolve({ status: incoming.statusCode ?? 0, body: parsed(Buffer.concat(parts)) }),
        );
      });
      outgoing.end(text);
    });
  } catch (error) {
    throw new SecretFailure("secret_failed", `Vault at ${url.origin} cannot be asked: ${wordsOf(error)}`);
  }
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
}
