/** Which hosts and ports the control plane reaches: those of the public Internet. Pure. */
import { whyNotPublic } from "./addresses.ts";

/**
 * Ends of names that the public DNS does not have, or that should not lead
 * anywhere: RFC 2606, 6761, 6762, 8375 and 9476, what ICANN reserves for
 * private use, and what clusters and routers call their own.
 */
const LOCAL_NAMES = new Set([
  "alt",
  "arpa",
  "consul",
  "corp",
  "example",
  "fritz.box",
  "home",
  "internal",
  "intranet",
  "invalid",
  "lan",
  "local",
  "localdomain",
  "localhost",
  "mail",
  "onion",
  "private",
  "svc",
  "test",
]);

/**
 * Why nothing at this URL is reached from the edge, whatever its protocol, in
 * words that go on from "the address …"; undefined when it may be.
 */
export function whyNotReachable(url: URL): string | undefined {
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
  const isLocal = labels.some((_, index) => LOCAL_NAMES.has(labels.slice(index).join(".")));
  return labels.length > 1 && !labels.includes("") && !isLocal
    ? undefined
    : "is no public name; from the edge only public hosts can be reached";
}
