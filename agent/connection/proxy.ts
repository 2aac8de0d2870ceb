/** Which HTTP proxy leads to an address, as the usual environment variables say it. Pure. */
import { BlockList, isIP } from "node:net";
import type { Environment } from "../config.ts";
import { EXIT, Failure } from "../failure.ts";

/** Any of these says that the environment decides about proxies. */
const NAMES = ["https_proxy", "http_proxy", "all_proxy", "no_proxy"] as const;

/** True when the environment says anything about proxies. */
export function speaksOfProxies(env: Environment): boolean {
  return NAMES.some((name) => valueIn(env, name) !== "");
}

/**
 * The proxy for an origin: `HTTPS_PROXY` for https, `HTTP_PROXY` for http, else
 * `ALL_PROXY`, in either case of letters, the lower one first; none where
 * `NO_PROXY` names the host.
 * @throws Failure for a proxy that is no http or https address
 */
export function proxyFor(origin: string, env: Environment): string | undefined {
  const url = new URL(origin);
  const own = valueIn(env, url.protocol === "https:" ? "https_proxy" : "http_proxy");
  const text = own || valueIn(env, "all_proxy");
  if (text === "" || isExempt(url, valueIn(env, "no_proxy"))) return undefined;
  return proxyUrl(text);
}

/** @throws Failure in words without the password */
export function proxyUrl(text: string): string {
  const url = URL.parse(text.includes("://") ? text : `http://${text}`);
  if (!url || (url.protocol !== "http:" && url.protocol !== "https:") || url.hostname === "") {
    throw new Failure(
      "the proxy is not an address like http://proxy.example.com:3128: look at HTTPS_PROXY, HTTP_PROXY and ALL_PROXY",
      EXIT.usage,
    );
  }
  return url.href;
}

/** The proxy in words: never with its user or password. */
export function proxyName(proxy: string): string {
  const { protocol, host } = new URL(proxy);
  return `${protocol}//${host}`;
}

function valueIn(env: Environment, name: string): string {
  return (env[name] || env[name.toUpperCase()] || "").trim();
}

/** Entries are host names, which stand for what lies below them too, addresses, networks like 10.0.0.0/8, or `*`. */
function isExempt(url: URL, noProxy: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  return noProxy
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean)
    .some((entry) => {
      if (entry === "*") return true;
      if (entry.includes("/") || isIP(entry) !== 0) return isInNetwork(host, entry);
      const [, name = entry, entryPort] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
      if (entryPort !== undefined && entryPort !== port) return false;
      const bare = name.replace(/^\*?\./, "").replace(/^\[|\]$/g, "");
      return host === bare || host.endsWith(`.${bare}`);
    });
}

function isInNetwork(host: string, entry: string): boolean {
  const [network = "", bits] = entry.split("/");
  const family = isIP(network);
  if (family === 0 || isIP(host) === 0) return false;
  const type = (address: string) => (isIP(address) === 6 ? "ipv6" : "ipv4");
  const list = new BlockList();
  try {
    list.addSubnet(network, bits === undefined ? (family === 6 ? 128 : 32) : Number(bits), type(network));
  } catch {
    return false;
  }
  return list.check(host, type(host));
}
