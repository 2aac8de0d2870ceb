/** Checks of this host: its state directory, its disk, who the agent is. */
import { accessSync, constants, statfsSync, statSync } from "node:fs";
import { Failure } from "../failure.ts";
import { errorCode } from "../files.ts";
import { fingerprintOf, loadIdentity } from "../identity.ts";
import { readNextKey } from "../keys.ts";
import { wordsOf } from "../log.ts";
import { changeWords, type PolicyInForce } from "../policy/inForce.ts";
import { loadPolicy } from "../policy/load.ts";
import { readProviders } from "../secrets/index.ts";
import { readSealingKey } from "../secrets/sealingKey.ts";
import type { Check, Finding } from "./check.ts";

/** Below this the agent declines work (`spool_full`), or soon will. */
const DISK_LEAST_BYTES = 256 * 1024 * 1024;
const MIB = 1024 * 1024;

export const stateCheck: Check = {
  name: "state directory",
  look({ paths: { root } }) {
    const state = statSync(root, { throwIfNoEntry: false });
    if (!state) return { result: "skip", words: `${root} is not there yet; enroll makes it` };
    const user = process.getuid?.() ?? 0;
    if (user !== 0 && state.uid !== user) {
      const advice = `Run this as the user that the agent runs as, or have it own the folder: chown -R USER ${root}`;
      return { result: "fail", words: `${root} belongs to the user with id ${state.uid}`, advice };
    }
    try {
      accessSync(root, constants.R_OK | constants.W_OK | constants.X_OK);
    } catch (error) {
      const isReadOnly = errorCode(error) === "EROFS";
      return {
        result: "fail",
        words: `${root} cannot be written to${isReadOnly ? ": its disk is mounted read-only" : ""}`,
        advice: isReadOnly
          ? "Mount it for writing; look for errors of the disk in dmesg."
          : `chmod u+rwx ${root}`,
      };
    }
    // An agent that starts steps as others lets them pass through, and not look.
    if ((state.mode & 0o066) !== 0) {
      return { result: "warn", words: `other users may look into ${root}`, advice: `chmod 700 ${root}` };
    }
    return { result: "ok", words: `${root} is the agent's alone, and can be written to` };
  },
};

export const diskCheck: Check = {
  name: "disk",
  look({ paths: { root } }) {
    if (!statSync(root, { throwIfNoEntry: false }))
      return { result: "skip", words: "there is no state directory yet" };
    const { bavail, bsize, ffree, files } = statfsSync(root);
    const free = bavail * bsize;
    if (free < DISK_LEAST_BYTES) {
      return {
        result: "fail",
        words: `${Math.floor(free / MIB)} MiB are free on the disk of ${root}`,
        advice: `Make room: output waits there until the control plane has it. At least ${DISK_LEAST_BYTES / MIB} MiB.`,
      };
    }
    if (files > 0 && ffree === 0) {
      return {
        result: "fail",
        words: `the disk of ${root} has no inodes left`,
        advice: "Remove small files from it.",
      };
    }
    return { result: "ok", words: `${Math.floor(free / MIB)} MiB are free` };
  },
};

export const policyCheck: Check = {
  name: "policy",
  look({ policy: source, running }) {
    if (running.state === "answers" && running.report.policy) {
      return policyInForceFinding(running.report.policy, running.pid);
    }
    try {
      const { digest } = loadPolicy(source);
      const words = digest === "default" ? `there is no ${source.path}, so it is the default` : source.path;
      const whose = running.state === "none" ? "no agent runs" : "the agent does not say which it goes by";
      return { result: "ok", words: `${words}, as this command was told; ${whose}` };
    } catch (error) {
      const advice = "Mend it, try it with farhand-agent policy check, and start the agent again.";
      return { result: "fail", words: wordsOf(error), advice };
    }
  },
};

function policyInForceFinding(policy: PolicyInForce, pid: number): Finding {
  const { digest, path, onDisk } = policy;
  const words = digest === "default" ? `there was no ${path}; the default is in force` : path;
  const change = changeWords(policy, pid);
  if (change === undefined) return { result: "ok", words };
  if ("problem" in onDisk) {
    const advice = "Mend it, try it with farhand-agent policy check, and have the agent read it again.";
    return { result: "fail", words: change, advice };
  }
  return { result: "warn", words: change, advice: "Have the agent read it, if it is meant to be in force." };
}

export const secretsCheck: Check = {
  name: "secrets",
  look({ secrets: file }) {
    try {
      const { providers } = readProviders(file);
      const kinds = [...new Set(providers.map(({ type }) => type))];
      const words =
        kinds.length > 0 ? `from ${kinds.join(", ")}, and what this agent keeps` : "what this agent keeps";
      return { result: "ok", words };
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      const advice = "Mend it, try it with farhand-agent secrets test, and start the agent again.";
      return { result: "fail", words: error.message, advice };
    }
  },
};

export const identityCheck: Check = {
  name: "identity",
  look({ paths }) {
    try {
      const identity = loadIdentity(paths.identity);
      if (!identity) {
        return {
          result: "warn",
          words: "this host is not enrolled",
          advice: "Make a join token in the web app under Agents, and run farhand-agent enroll.",
        };
      }
      const { agentId, publicKey, poolName } = identity;
      // Two more that a start reads, and refuses where others may have them.
      readNextKey(paths.nextKey);
      readSealingKey(paths.sealingKey, agentId);
      return {
        result: "ok",
        words: `${agentId} in pool ${poolName}, key ${fingerprintOf(publicKey).slice(0, 16)}…`,
      };
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      return { result: "fail", words: error.message, advice: "Nothing else works before this does." };
    }
  },
};

export const runningCheck: Check = {
  name: "running agent",
  look({ enrolled, running }) {
    if (enrolled === "no") return { result: "skip", words: "this host is not enrolled" };
    if (running.state === "none") {
      if (enrolled === "unusable") return { result: "skip", words: "no agent runs here" };
      return {
        result: "warn",
        words: "no agent runs here",
        advice: "Start it: systemctl start farhand-agent, or farhand-agent run.",
      };
    }
    const { pid } = running;
    if (running.state === "silent") {
      return {
        result: "warn",
        words: `process ${pid} does not answer: ${running.problem}`,
        advice: "Restart it if its log is silent too.",
      };
    }
    const { connection, draining } = running.report;
    if (connection.state !== "connected") {
      const words = `process ${pid} is not connected${connection.problem ? `: ${connection.problem}` : ""}`;
      return { result: "fail", words, advice: adviceFor(connection.code) };
    }
    if (draining) {
      return {
        result: "warn",
        words: "it is connected and takes no new work",
        advice: "End that with farhand-agent undrain.",
      };
    }
    return { result: "ok", words: `process ${pid} is connected since ${connection.since}` };
  },
};

/** @param code of a refusal; of what else there can be the checks of the way there know more */
function adviceFor(code: string | undefined): string {
  switch (code) {
    case "agent_quarantined":
      return "Find the copy and stop it, then release the agent in the web app under Agents.";
    case "agent_revoked":
      return "If this host is to work again: a new join token, and farhand-agent enroll --force.";
    default:
      return "See the checks of the connection.";
  }
}
