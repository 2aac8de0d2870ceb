/**
 * Whether the control plane may request a URL that a runbook or a webhook names (S10).
 *
 * It judges what `URL` made of it, which spells every address in one way:
 * decimal, octal, hex and short forms become dotted decimal, other scripts'
 * digits and dots become ASCII. A name may still lead to a private address,
 * and here nobody can look it up; there it is the platform that counts, which
 * lets requests out to the public Internet only.
 */
import { whyNotReachable } from "#protocol/http/publicHost.ts";
import { isLoopback } from "../identity/origin.ts";

/** What is within reach beside https to public hosts: other servers on this machine, http. */
interface Reach {
  loopback: boolean;
  http: boolean;
}

/**
 * Why a URL may not be requested, in words that go on from "the address …";
 * undefined when it may. On a developer's machine, whose control plane is
 * itself published on loopback, other servers on loopback are in reach too.
 */
export function whyNotAllowed(text: string, publicOrigin: string): string | undefined {
  const isDevelopment = isLoopback(publicOrigin);
  return whyOutOfReach(text, { loopback: isDevelopment, http: isDevelopment });
}

/**
 * Why nothing may be sent to a webhook at this URL, in the same words.
 * @param loopback whether it may be on the control plane's own machine, with http as well
 */
export function whyNoWebhook(text: string, loopback: boolean): string | undefined {
  return whyOutOfReach(text, { loopback, http: false });
}

function whyOutOfReach(text: string, { loopback, http }: Reach): string | undefined {
  const url = URL.parse(text);
  if (!url) return "cannot be read";
  if (url.username || url.password) return "holds a user name or password";
  if (loopback && /^https?:$/.test(url.protocol) && isLoopback(url.origin)) return undefined;
  if (url.protocol !== "https:" && !(http && url.protocol === "http:")) {
    return "does not begin with https://";
  }
  return whyNotReachable(url);
}
