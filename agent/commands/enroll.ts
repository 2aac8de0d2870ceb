import { rmSync } from "node:fs";
import { hostname } from "node:os";
import { z } from "zod";
import { FACT_PREFIX } from "#protocol/blocks/common.ts";
import { isLoopback, LOCAL_OPTIONS, slotsSchema, urlSchema, word } from "../config.ts";
import { routeTo } from "../connection/route.ts";
import { createTransport } from "../connection/transport.ts";
import { requestEnrollment } from "../enroll.ts";
import { EXIT, Failure } from "../failure.ts";
import { errorCode, inWords, makePrivateDirectory, writeFileAtomically } from "../files.ts";
import { fingerprintOf, generateKeyPair, type Identity, loadIdentity, saveIdentity } from "../identity.ts";
import { invocation, shellWord } from "../invocation.ts";
import { lockHolder } from "../lock.ts";
import { actAsOwner } from "../owner.ts";
import { statePaths } from "../paths.ts";
import { AGENT_VERSION } from "../version.ts";
import { type ConfigOf, command, text, texts, yes } from "./command.ts";

/** As `labelsSchema` has them. */
const LABEL_NAME_MAX = 63;
const LABEL_VALUE_MAX = 255;
/** Of what somebody wrote, when it is shown again. */
const SHOWN_MAX = 40;

const labelSchema = z.string().transform((given, context) => {
  const [, key = "", value = ""] = /^([^=]*)=(.*)$/s.exec(given) ?? [];
  const message = labelProblem(given, key, value);
  if (message === undefined) return [key, value] as const;
  context.addIssue({ code: "custom", message });
  return z.NEVER;
});

function labelProblem(given: string, key: string, value: string): string | undefined {
  if (key === "") return `"${shown(given)}" is not a label like region=eu`;
  const label = `the label "${shown(key)}"`;
  if (/[\r\n]/.test(given)) return `${label} has a line break in it: write it in one line`;
  if (key.length > LABEL_NAME_MAX) {
    return `the name of ${label} has ${key.length} characters: at most ${LABEL_NAME_MAX} are possible`;
  }
  if (value.length > LABEL_VALUE_MAX) {
    return `the value of ${label} has ${value.length} characters: at most ${LABEL_VALUE_MAX} are possible`;
  }
  if (!key.startsWith(FACT_PREFIX)) return undefined;
  return `${label}: labels that begin with ${FACT_PREFIX} are what the agent finds out by itself; choose another name`;
}

function shown(text: string): string {
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
}

/** @throws Failure (2) when one is there twice */
function labelsOf(given: readonly (readonly [key: string, value: string])[]): Record<string, string> {
  const labels = new Map<string, string>();
  for (const [key, value] of given) {
    const before = labels.get(key);
    if (before !== undefined) {
      throw new Failure(
        `the label "${shown(key)}" is there twice, as "${shown(before)}" and as "${shown(value)}": leave one out`,
        EXIT.usage,
      );
    }
    labels.set(key, value);
  }
  return Object.fromEntries(labels);
}

const OPTIONS = {
  ...LOCAL_OPTIONS,
  url: text(urlSchema, "FARHAND_URL"),
  token: text(
    z
      .string({ error: "an agent joins with a token: --token …, made in the web app under Agents" })
      .max(200, { error: "a token has at most 200 characters" }),
    "FARHAND_JOIN_TOKEN",
  ),
  name: text(
    z
      .string()
      .trim()
      .min(1, { error: "the name may not be empty" })
      .max(255, { error: "a name has at most 255 characters" })
      .default(hostname()),
    "FARHAND_NAME",
  ),
  label: texts(labelSchema),
  slots: text(slotsSchema.default(4), "FARHAND_SLOTS"),
  ca: text(word, "FARHAND_CA"),
  force: yes(),
};

export const enrollCommand = command({
  usage: `enroll --url URL --token TOKEN [--name NAME] [--label KEY=VALUE]...
                       [--slots N] [--ca FILE] [--state DIR] [--force]
      Make a key on this host and join the token's pool.`,
  options: OPTIONS,
  run: enroll,
});

/** Room for the identity with all its labels. */
const IDENTITY_MAX_BYTES = 64 * 1024;

/** `farhand-agent enroll`: a key of its own, an id from the control plane, both in the state directory. */
export async function enroll(config: ConfigOf<typeof OPTIONS>): Promise<void> {
  const paths = statePaths(config.state);
  const labels = labelsOf(config.label);
  // Before it is somebody else: only root may be able to read the authority.
  const route = routeTo(config.url, process.env, config.ca);
  actAsOwner(config.state);
  refuseExisting(paths.identity, config.force);
  const running = lockHolder(paths.lock);
  if (running !== undefined) {
    throw new Failure(`an agent (process ${running}) is running on ${config.state}: stop it first`);
  }
  proveWritable(config.state);
  const { protocol, hostname } = new URL(config.url);
  if (protocol === "http:" && !isLoopback(hostname)) {
    process.stderr.write(`warning: ${config.url} is not encrypted; use https wherever others could listen\n`);
  }

  const keys = generateKeyPair();
  const answer = await requestEnrollment(createTransport(route), {
    joinToken: config.token,
    publicKey: keys.publicKey,
    name: config.name,
    labels,
    agentVersion: AGENT_VERSION,
  });
  const identity: Identity = {
    ...keys,
    ...answer,
    // Kept for `run`, which a service manager starts without this shell's environment.
    ...route,
    name: config.name,
    labels: answer.labels ?? labels,
    slots: config.slots,
    enrolledAt: new Date().toISOString(),
  };
  saveIdentity(paths.identity, identity);
  process.stdout.write(
    [
      `Enrolled as ${identity.agentId} ("${identity.name}") in pool ${identity.poolName}.`,
      `Fingerprint: ${fingerprintOf(identity.publicKey)}`,
      `Start it with: ${invocation()} run --state ${shellWord(config.state)}`,
      "",
    ].join("\n"),
  );
}

function refuseExisting(path: string, force: boolean): void {
  if (force) return;
  const existing = loadIdentity(path);
  if (!existing) return;
  throw new Failure(
    `this host is already enrolled at ${existing.url} as ${existing.agentId}; enroll again with --force to replace that identity`,
  );
}

/** A use of a join token is gone once it was asked for: find out about a read-only or a full disk before it is spent. */
function proveWritable(state: string): void {
  const trial = `${state}/.writable`;
  try {
    makePrivateDirectory(state);
    writeFileAtomically(trial, " ".repeat(IDENTITY_MAX_BYTES));
    rmSync(trial);
  } catch (error) {
    const worded = inWords(error, state);
    if (worded instanceof Failure) throw worded;
    throw new Failure(
      `cannot write to the state directory ${state} (${errorCode(error) ?? "unknown error"}): choose another with --state, or run as a user who may`,
    );
  }
}
