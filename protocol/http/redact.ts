/** Keeps credentials out of what is shown of an exchange. */
import type { Header } from "./request.ts";

const REDACTED = "[redacted]";

/** Names of headers and of query parameters that hold a credential. */
const CREDENTIAL_NAME =
  /^(?!access-control-)(?:.*(?:authorization|cookie|token|secret|passw|credential|signature|session|csrf|jwt|api[-_]?key).*|(?:.*[-_])?(?:key|auth|sig)(?:[-_].*)?)$/i;

/** An OAuth code is one as a parameter, but `code` says nothing in a header's name. */
const CREDENTIAL_PARAMETER = /^(?:code|pwd|pass|assertion)$/i;

/** What well-known services' tokens begin with, JWTs, and what stands behind a scheme. */
const TOKEN =
  /\b(?:gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|sk[-_]|rk_|whsec_|AKIA|ASIA|eyJ)[A-Za-z0-9_.-]{16,}|(?<=\b(?:[Bb]earer|[Bb]asic) )[A-Za-z0-9+/_~.-]{8,}={0,2}(?![\w="])/g;

/** One parameter of a query. Its parts share no character, so that no input is slow to match. */
const PARAMETER = /([?&;])([^=&;?#\s]{1,200})=([^&;?#\s]*)/g;

/** Headers as they may be shown: credentials replaced, in `location` and its like as well. */
export function redactHeaders(headers: Iterable<Header>): Header[] {
  return [...headers].map(([name, value]) => [
    name,
    CREDENTIAL_NAME.test(name) ? REDACTED : redactText(value),
  ]);
}

/** Text, such as a URL, without the credentials that can be recognized in it. */
export function redactText(text: string): string {
  return text
    .replace(PARAMETER, (whole, mark: string, name: string) =>
      CREDENTIAL_NAME.test(name) || CREDENTIAL_PARAMETER.test(name) ? `${mark}${name}=${REDACTED}` : whole,
    )
    .replace(TOKEN, REDACTED);
}
