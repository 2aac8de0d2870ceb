/** What leads to the control plane: said by flags and the environment, or kept from when the agent enrolled. */
import { X509Certificate } from "node:crypto";
import type { Environment } from "../config.ts";
import { EXIT, Failure } from "../failure.ts";
import { errorCode } from "../files.ts";
import type { Identity } from "../identity.ts";
import { CERTIFICATES_MAX_BYTES, readBounded } from "../reading.ts";
import { proxyFor, speaksOfProxies } from "./proxy.ts";
import type { Route } from "./transport.ts";

/**
 * @param caFile of more authorities to trust, when one was named
 * @param kept what the agent enrolled with; the environment wins over its proxy as soon as it says anything about proxies
 * @throws Failure for a proxy that is none, or a file without certificates
 */
export function routeTo(
  url: string,
  env: Environment,
  caFile: string | undefined,
  kept: Partial<Pick<Identity, "proxy" | "ca">> = {},
): Route {
  const proxy = speaksOfProxies(env) ? proxyFor(url, env) : kept.proxy;
  const ca = caFile === undefined ? kept.ca : readAuthorities(caFile);
  return { url, ...(proxy !== undefined && { proxy }), ...(ca !== undefined && { ca }) };
}

function readAuthorities(path: string): string {
  let text: string;
  try {
    const bounds = { what: `the file of certificates ${path}`, maxBytes: CERTIFICATES_MAX_BYTES };
    text = readBounded(path, bounds).toString("utf8");
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(
      `cannot read the certificates in ${path}: ${errorCode(error) ?? "unknown error"}`,
      EXIT.usage,
    );
  }
  const certificates = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  try {
    for (const certificate of certificates) new X509Certificate(certificate);
  } catch {
    throw new Failure(`a certificate in ${path} is damaged: it has to be PEM, whole`, EXIT.usage);
  }
  if (certificates.length === 0) {
    throw new Failure(
      `${path} holds no certificate: it has to be PEM, with -----BEGIN CERTIFICATE-----`,
      EXIT.usage,
    );
  }
  return `${certificates.join("\n")}\n`;
}
