import { rmSync } from "node:fs";
import { type EnrollConfig, isLoopback } from "../config.ts";
import { routeTo } from "../connection/route.ts";
import { createTransport } from "../connection/transport.ts";
import { requestEnrollment } from "../enroll.ts";
import { Failure } from "../failure.ts";
import { errorCode, inWords, makePrivateDirectory, writeFileAtomically } from "../files.ts";
import { fingerprintOf, generateKeyPair, type Identity, loadIdentity, saveIdentity } from "../identity.ts";
import { invocation, shellWord } from "../invocation.ts";
import { lockHolder } from "../lock.ts";
import { statePaths } from "../paths.ts";
import { AGENT_VERSION } from "../version.ts";

/** Room for the identity with all its labels. */
const IDENTITY_MAX_BYTES = 64 * 1024;

/** `farhand-agent enroll`: a key of its own, an id from the control plane, both in the state directory. */
export async function enroll(config: EnrollConfig): Promise<void> {
  const paths = statePaths(config.state);
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

  const route = routeTo(config.url, process.env, config.ca);
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
