/** Why a connection could not be made, in words that say what to do about it. */
import { errorCode } from "../files.ts";

/** @param to the address that was dialed, for people */
export function connectionWords(error: Error, to: string): string {
  const code = errorCode(error) ?? "";
  const words = wordsFor(code, to);
  // Node reports a refused connection to every address of a name as one error with an empty message.
  const own = error.message || code || "unknown error";
  return words === undefined ? own : `${words} (${code === "ERR_TLS_CERT_ALTNAME_INVALID" ? own : code})`;
}

function wordsFor(code: string, to: string): string | undefined {
  switch (code) {
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `the name in ${to} cannot be looked up: check the address, and this host's DNS; where only a proxy leads out, set HTTPS_PROXY`;
    case "ECONNREFUSED":
      return `nothing answers at ${to}: check the address and the port, and that it runs`;
    case "ETIMEDOUT":
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return `no way leads to ${to}: check the firewall; where only a proxy leads out, set HTTPS_PROXY`;
    case "CERT_HAS_EXPIRED":
      return `the certificate of ${to} has expired: have it renewed, and check this host's clock`;
    case "CERT_NOT_YET_VALID":
      return `the certificate of ${to} is not valid yet: check this host's clock`;
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return `the certificate is not one for ${to}: check the address, and that nothing answers in its place`;
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
      return `the certificate of ${to} comes from an authority that this host does not know: give that authority's certificate with --ca FILE`;
    case "CERT_SIGNATURE_FAILURE":
      return `the certificate of ${to} does not fit the authority that it names: give the right one with --ca FILE`;
    case "EPROTO":
    case "ERR_SSL_WRONG_VERSION_NUMBER":
    case "ERR_SSL_PACKET_LENGTH_TOO_LONG":
      return `${to} does not speak TLS there: check the port, or http instead of https`;
    default:
      return undefined;
  }
}
