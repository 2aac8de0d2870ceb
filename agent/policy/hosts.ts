/**
 * Where requests of `api` blocks may go: the host and port of every URL on the
 * way, and the address that a name leads to, so that no name stands for what
 * the policy keeps out. Pure.
 */
import { BlockList, isIPv6 } from "node:net";
import { whyNotPublic } from "#protocol/http/addresses.ts";
import type { HostGuard } from "../runners/http.ts";
import type { Policy } from "./policy.ts";

export type Network = Policy["rules"]["hosts"]["networks"][number];

const LOOPBACK = blockList(["127.0.0.0/8", "0.0.0.0/8", "::1/128", "::/128"]);
/** Link-local addresses, and those that clouds gave their metadata beside them. */
const METADATA = blockList([
  ...["169.254.0.0/16", "fe80::/10", "fd00:ec2::/32", "fd20:ce::/32"],
  ...["168.63.129.16/32", "100.100.100.200/32", "192.0.0.192/32"],
  // The same in the clothes that a gateway (NAT64) or a tunnel (6to4) takes off again.
  ...["64:ff9b::a9fe:0/112", "64:ff9b::a83f:8110/128", "64:ff9b::6464:64c8/128", "2002:a9fe::/32"],
]);

/**
 * Why a request to this URL may not be made; undefined when it may, as far as
 * its host is an address or the policy speaks about names.
 */
export function hostProblem(policy: Policy, url: URL): string | undefined {
  const { allow, deny } = policy.rules.hosts;
  const denied = deny.findIndex((pattern) => matchesHost(pattern, url));
  if (denied >= 0) return `${policy.at("hosts", "deny", denied)}: ${url.host} is not allowed`;
  if (allow && !allow.some((pattern) => matchesHost(pattern, url))) {
    return `${policy.at("hosts", "allow")}: ${url.host} is not allowed`;
  }
  const address = addressIn(url.hostname);
  return address === undefined ? undefined : addressProblem(policy, url, address);
}

/** Why no connection may be made to the address that a URL's host leads to; undefined when it may. */
export function addressProblem(policy: Policy, url: URL, address: string): string | undefined {
  const { networks, deny } = policy.rules.hosts;
  const network = networkOf(address);
  const isName = addressIn(url.hostname) === undefined;
  const what = isName ? `${url.hostname} leads to ${address}, which` : address;
  if (!networks.includes(network)) {
    return `${policy.at("hosts", "networks")}: ${what} is a ${network} address`;
  }
  const denied = deny.findIndex((pattern) => matchesAddress(pattern, url, address));
  return denied < 0 ? undefined : `${policy.at("hosts", "deny", denied)}: ${what} is not allowed`;
}

/** The policy as a request asks it, at every hop and for every address. */
export function guardOf(policy: Policy): HostGuard {
  return {
    url: (url) => hostProblem(policy, url),
    address: (url, address) => addressProblem(policy, url, address),
  };
}

export function networkOf(address: string): Network {
  const family = isIPv6(address) ? "ipv6" : "ipv4";
  // The first check sees through IPv4 addresses in IPv6's clothes.
  if (LOOPBACK.check(address, family)) return "loopback";
  if (METADATA.check(address, family)) return "metadata";
  const spelled = family === "ipv6" ? new URL(`http://[${address.replace(/%.*$/, "")}]`).hostname : address;
  return whyNotPublic(spelled) === undefined ? "public" : "private";
}

/** A pattern for an address stands for URLs that have one, a pattern for a name for those that have a name. */
function matchesHost(pattern: string, url: URL): boolean {
  const address = addressIn(url.hostname);
  if (address !== undefined) return matchesAddress(pattern, url, address);
  const { host, isPort } = readPattern(pattern, url);
  const hostname = url.hostname.replace(/\.$/, "");
  if (!isPort) return false;
  return host === "*" || (host.startsWith("*.") ? hostname.endsWith(host.slice(1)) : hostname === host);
}

function matchesAddress(pattern: string, url: URL, address: string): boolean {
  const { host, isPort } = readPattern(pattern, url);
  return isPort && (host === "*" || isInNetwork(host, address));
}

/** @returns the pattern without a port, and whether the URL's is the one that it names */
function readPattern(pattern: string, url: URL): { host: string; isPort: boolean } {
  const [, host = "", port] = /^(.*?)(?::(\d+))?$/.exec(pattern.toLowerCase()) ?? [];
  return { host, isPort: port === undefined || Number(port) === portOf(url) };
}

/** @param pattern an address or a network, which the schema has looked at; a name is neither */
function isInNetwork(pattern: string, address: string): boolean {
  const [, v4, v6, length] = /^(?:([\d.]+)|\[([^\]]+)\])(?:\/(\d+))?$/.exec(pattern) ?? [];
  const base = v4 ?? v6;
  if (base === undefined) return false;
  const network = `${base}/${length ?? (isIPv6(base) ? 128 : 32)}`;
  return blockList([network]).check(address, isIPv6(address) ? "ipv6" : "ipv4");
}

/** The address that a URL's host is; undefined for a name. */
function addressIn(hostname: string): string | undefined {
  if (hostname.startsWith("[")) return hostname.slice(1, -1);
  return /^\d+(?:\.\d+){3}$/.test(hostname) ? hostname : undefined;
}

function portOf({ port, protocol }: URL): number {
  return port === "" ? (protocol === "https:" ? 443 : 80) : Number(port);
}

/** @throws when one of them is no network */
function blockList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [base = "", length = ""] = network.split("/");
    list.addSubnet(base, Number(length), isIPv6(base) ? "ipv6" : "ipv4");
  }
  return list;
}
