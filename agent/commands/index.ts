/**
 * Every command of `farhand-agent`, in the order of the help. Each is loaded
 * when it is called: an agent at rest carries only what it runs.
 */
import type { Command } from "./command.ts";

const secrets = (verb: "set" | "list" | "remove" | "test") => async () =>
  (await import("./secrets.ts")).SECRETS_COMMANDS[`secrets ${verb}`];

export const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  enroll: async () => (await import("./enroll.ts")).enrollCommand,
  run: async () => (await import("./run.ts")).runCommand,
  status: async () => (await import("./status.ts")).statusCommand,
  doctor: async () => (await import("./doctor.ts")).doctorCommand,
  drain: async () => (await import("./drain.ts")).drainCommand,
  undrain: async () => (await import("./drain.ts")).undrainCommand,
  "rotate-key": async () => (await import("./rotateKey.ts")).rotateKeyCommand,
  "policy check": async () => (await import("./policy.ts")).policyCheckCommand,
  "secrets set": secrets("set"),
  "secrets list": secrets("list"),
  "secrets remove": secrets("remove"),
  "secrets test": secrets("test"),
  update: async () => (await import("./update.ts")).updateCommand,
  "apply-update": async () => (await import("./applyUpdate.ts")).applyUpdateCommand,
  "verify-release": async () => (await import("./verifyRelease.ts")).verifyReleaseCommand,
};
