import { rmSync } from "node:fs";
import { hostname } from "node:os";
import { z } from "zod";
import { FACT_PREFIX } from "#protocol/blocks/common.ts";
import { isLoopback, LOCAL_OPTIONS, slotsSchema, urlSchema, word } from "../config.ts";
import { routeTo } from "../connection/route.ts";
import { createTransport } from "../connection/transport.ts";
import { requestEnrollment } from "../enroll.ts";
import { Failure } from "../failure.ts";
import { errorCode, inWords, makePrivateDirectory, writeFileAtomically } from "../files.ts";
import { fingerprintOf, generateKeyPair, type Identity, loadIdentity, saveIdentity } from "../identity.ts";
import { invocation, shellWord } from "../invocation.ts";
import { lockHolder } from "../lock.ts";
import { actAsOwner } from "../owner.ts";
import { statePaths } from "../paths.ts";
import { AGENT_VERSION } from "../version.ts";
import { type ConfigOf, command, text, texts, yes } from "./command.ts";

const labelSchema = z.string().transform((given, context) => {
  const [, key = "", value = ""] = /^([^=]{1,63})=(.{0,255})$/.exec(given) ?? [];
  if (key === "") {
    context.addIssue({ code: "custom", message: `"${given}" is not a label like region=eu` });
    return z.NEVER;
  }
  if (key.startsWith(FACT_PREFIX)) {
    const message = `"${given}": labels that begin with ${FACT_PREFIX} are what the agent finds out by itself; choose another name`;
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  }
  return [key, value] as const;
});

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
  const labels = Object.fromEntries(config.label);
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
