/** Which IP addresses belong to the public Internet, as WHATWG URLs spell them. */

/** IPv4 addresses that are not somebody's public host (IANA's special-purpose registry, and a cloud's own). */
const NOT_PUBLIC_V4 = [
  ["0.0.0.0", 8, "unspecified"],
  ["10.0.0.0", 8, "private"],
  ["100.64.0.0", 10, "shared by a provider's customers"],
  ["127.0.0.0", 8, "loopback"],
  ["168.63.129.16", 32, "a cloud's own service"],
  ["169.254.0.0", 16, "link-local, where clouds keep their metadata"],
  ["172.16.0.0", 12, "private"],
  ["192.0.0.0", 24, "reserved"],
  ["192.0.2.0", 24, "for documentation"],
  ["192.88.99.0", 24, "a relay's"],
  ["192.168.0.0", 16, "private"],
  ["198.18.0.0", 15, "for benchmarks"],
  ["198.51.100.0", 24, "for documentation"],
  ["203.0.113.0", 24, "for documentation"],
  ["224.0.0.0", 4, "multicast"],
  ["240.0.0.0", 4, "reserved"],
] as const;

/** Within 2000::/3, which is all that is public of IPv6. */
const NOT_PUBLIC_V6 = [
  ["2001::", 23, "for tunnels and protocols"],
  ["2001:db8::", 32, "for documentation"],
  ["2002::", 16, "another spelling of an IPv4 address (6to4)"],
  ["3fff::", 20, "for documentation"],
] as const;

/**
 * Why an address is not public, in a few words; undefined when it is one.
 * @param hostname what `URL` made of it: dotted decimal, or IPv6 in brackets;
 *   undefined is returned for a name as well
 */
export function whyNotPublic(hostname: string): string | undefined {
  if (hostname.startsWith("[")) return whyNotPublicV6(bitsOfV6(hostname.slice(1, -1)));
  if (!/^\d+\.\d+\.\d+\.\d+$/.test(hostname)) return undefined;
  const bits = bitsOfV4(hostname);
  return NOT_PUBLIC_V4.find(([network, length]) => shares(bits, bitsOfV4(network), 32 - length))?.[2];
}

function whyNotPublicV6(bits: bigint): string | undefined {
  // Everything beside it: loopback, local and multicast ones, and IPv4 addresses in IPv6's clothes.
  if (bits >> 125n !== 1n) return "not a public IPv6 address";
  return NOT_PUBLIC_V6.find(([network, length]) => shares(bits, bitsOfV6(network), 128 - length))?.[2];
}

function shares(one: bigint, other: bigint, freeBits: number): boolean {
  return one >> BigInt(freeBits) === other >> BigInt(freeBits);
}

function bitsOfV4(address: string): bigint {
  return address.split(".").reduce((bits, part) => (bits << 8n) | BigInt(part), 0n);
}

/** @param address as `URL` writes it: eight groups of hex digits, the longest run of zeros as `::` */
function bitsOfV6(address: string): bigint {
  const [head = "", tail] = address.split("::");
  const groupsOf = (text = "") => (text === "" ? [] : text.split(":"));
  const first = groupsOf(head);
  const last = groupsOf(tail);
  const zeros = Array<string>(8 - first.length - last.length).fill("0");
  return [...first, ...zeros, ...last].reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n);
}
