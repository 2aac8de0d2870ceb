/** Every command of `farhand-agent`, in the order of the help. */
import { applyUpdateCommand } from "./applyUpdate.ts";
import type { Command } from "./command.ts";
import { doctorCommand } from "./doctor.ts";
import { drainCommand, undrainCommand } from "./drain.ts";
import { enrollCommand } from "./enroll.ts";
import { policyCheckCommand } from "./policy.ts";
import { rotateKeyCommand } from "./rotateKey.ts";
import { runCommand } from "./run.ts";
import { SECRETS_COMMANDS } from "./secrets.ts";
import { statusCommand } from "./status.ts";
import { updateCommand } from "./update.ts";
import { verifyReleaseCommand } from "./verifyRelease.ts";

export const COMMANDS: Readonly<Record<string, Command>> = {
  enroll: enrollCommand,
  run: runCommand,
  status: statusCommand,
  doctor: doctorCommand,
  drain: drainCommand,
  undrain: undrainCommand,
  "rotate-key": rotateKeyCommand,
  "policy check": policyCheckCommand,
  ...SECRETS_COMMANDS,
  update: updateCommand,
  "apply-update": applyUpdateCommand,
  "verify-release": verifyReleaseCommand,
};
