/**
 * Whether the control plane may request a URL that a runbook names (S10).
 *
 * It judges what `URL` made of it, which spells every address in one way:
 * decimal, octal, hex and short forms become dotted decimal, other scripts'
 * digits and dots become ASCII. A name may still lead to a private address,
 * and here nobody can look it up; there it is the platform that counts, which
 * lets requests out to the public Internet only.
 */
import { isLoopback } from "../identity/origin.ts";
import { whyNotPublic } from "./addresses.ts";

/** Ends of names that the public DNS does not have, or should not lead anywhere. */
const LOCAL_NAMES = new Set([
  "arpa",
  "corp",
  "home",
  "internal",
  "intranet",
  "invalid",
  "lan",
  "local",
  "localdomain",
  "localhost",
  "onion",
  "private",
  "test",
]);

/**
 * Why a URL may not be requested, in words that go on from "the address …";
 * undefined when it may. On a developer's machine, whose control plane is
 * itself published on loopback, other servers on loopback are in reach too.
 */
export function whyNotAllowed(text: string, publicOrigin: string): string | undefined {
  const url = URL.parse(text);
  if (!url) return "cannot be read";
  if (url.username || url.password) return "holds a user name or password";
  const isDevelopment = isLoopback(publicOrigin);
  if (isDevelopment && /^https?:$/.test(url.protocol) && isLoopback(url.origin)) return undefined;
  if (url.protocol !== "https:" && !(isDevelopment && url.protocol === "http:")) {
    return "does not begin with https://";
  }
  return whyNotThisPort(url) ?? whyNotThisHost(url.hostname);
}

/**
 * APIs listen on 443 or somewhere above 1023. Below are the servers of other
 * protocols, mail and shells among them, which nobody should reach through here.
 */
function whyNotThisPort({ port }: URL): string | undefined {
  if (port === "" || port === "80" || Number(port) >= 1024) return undefined;
  return `has port ${port}; from the edge only 80, 443 and those from 1024 on can be reached`;
}

function whyNotThisHost(hostname: string): string | undefined {
  const why = whyNotPublic(hostname);
  if (why) return `is ${why}; from the edge only public hosts can be reached`;
  if (hostname.startsWith("[")) return undefined;
  const labels = hostname.replace(/\.$/, "").split(".");
  const isPublic = labels.length > 1 && !labels.includes("") && !LOCAL_NAMES.has(labels.at(-1) ?? "");
  return isPublic ? undefined : "is no public name; from the edge only public hosts can be reached";
}
