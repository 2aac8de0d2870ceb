/**
 * What this host is and has, as labels that runbooks select agents by. They
 * begin with `host.`, which no label that people give may: a fact is never
 * mistaken for a promise. Looked up again now and then, for hosts change.
 */
import { readFileSync } from "node:fs";
import { arch, hostname, platform } from "node:os";
import { FACT_PREFIX } from "#protocol/blocks/common.ts";
import { KNOWN_INTERPRETERS } from "#protocol/interpreters.ts";
import type { Clock } from "../clock.ts";
import { findProgram } from "../runners/account.ts";

/** Programs that runbooks are picky about. */
const KNOWN_TOOLS = [
  ...["docker", "podman", "kubectl", "helm", "systemctl", "git", "curl", "jq", "rsync", "ssh"],
  ...["terraform", "tofu", "ansible", "aws", "az", "gcloud", "psql", "mysql", "redis-cli", "sudo"],
];
const FRESH_MS = 5 * 60_000;
const VALUE_MAX = 255;
/** As JSON. The control plane takes no greeting of more than 8 KiB in all. */
const LABELS_MAX_LENGTH = 6 * 1024;

export interface HostInventory {
  interpreters: string[];
  labels: Record<string, string>;
}

/** @returns a function that tells what there is, no older than five minutes */
export function hostInventory(clock: Clock, look: () => HostInventory = lookAtHost): () => HostInventory {
  let known: { inventory: HostInventory; at: number } | undefined;
  return () => {
    const now = clock.monotonic();
    if (!known || now - known.at > FRESH_MS) known = { inventory: look(), at: now };
    return known.inventory;
  };
}

/** The labels of an agent: those that people gave it, and as many facts as a greeting has room for. */
export function withFacts(
  labels: Record<string, string>,
  facts: Record<string, string>,
): Record<string, string> {
  const all = { ...labels };
  let size = JSON.stringify(all).length;
  for (const [name, value] of Object.entries(facts)) {
    size += JSON.stringify({ [name]: value }).length;
    if (size > LABELS_MAX_LENGTH) break;
    all[name] = value;
  }
  return all;
}

export function lookAtHost(): HostInventory {
  const has = (name: string) => findProgram(name) !== undefined;
  const interpreters = KNOWN_INTERPRETERS.filter(has);
  const facts: [string, string | undefined][] = [
    ["os", platform()],
    ["arch", arch()],
    ["name", hostname()],
    ["distribution", distribution()],
    ...interpreters.map((name): [string, string] => [`interpreter.${name}`, "yes"]),
    ...KNOWN_TOOLS.filter(has).map((name): [string, string] => [`tool.${name}`, "yes"]),
  ];
  const told = facts.flatMap(([name, value]) =>
    value ? [[FACT_PREFIX + name, value.slice(0, VALUE_MAX)]] : [],
  );
  return { interpreters, labels: Object.fromEntries(told) };
}

/** Such as `debian-12`; undefined where the host does not say. */
function distribution(): string | undefined {
  try {
    const text = readFileSync("/etc/os-release", "utf8");
    const field = (name: string) => new RegExp(`^${name}="?([\\w.-]+)"?$`, "m").exec(text)?.[1];
    return [field("ID"), field("VERSION_ID")].filter(Boolean).join("-");
  } catch {
    return undefined;
  }
}
