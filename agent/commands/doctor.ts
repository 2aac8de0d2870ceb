import { LOCAL_OPTIONS, POLICY_OPTIONS, policySource, urlSchema, word } from "../config.ts";
import { routeTo } from "../connection/route.ts";
import type { Finding, Patient } from "../doctor/check.ts";
import { type Diagnosis, examine } from "../doctor/index.ts";
import { Failure } from "../failure.ts";
import { type Identity, loadIdentity } from "../identity.ts";
import { lookAtAgent } from "../local/client.ts";
import { statePaths } from "../paths.ts";
import { type ConfigOf, command, text, yes } from "./command.ts";

const OPTIONS = {
  ...LOCAL_OPTIONS,
  ...POLICY_OPTIONS,
  url: text(urlSchema.optional(), "FARHAND_URL"),
  ca: text(word, "FARHAND_CA"),
  secrets: text(word, "FARHAND_SECRETS_FILE"),
  json: yes(),
};

export const doctorCommand = command({
  usage: `doctor [--state DIR] [--url URL] [--ca FILE] [--policy FILE] [--own-policy]
                       [--secrets FILE] [--json]
      Find what is wrong on this host and on the way to the control plane, and
      say what to do. Works before enroll, with --url.`,
  options: OPTIONS,
  run: doctor,
});

const MARKS: Record<Finding["result"], string> = { ok: "✓", warn: "!", fail: "✗", skip: "·" };

/**
 * `farhand-agent doctor`: finds what is wrong on this host and on the way to the control plane, before or after it enrolled.
 * @throws Failure when something is
 */
async function doctor(config: ConfigOf<typeof OPTIONS>): Promise<void> {
  const paths = statePaths(config.state);
  const { identity, enrolled } = identityIn(paths.identity);
  const url = config.url ?? identity?.url;
  const kept = identity?.url === url ? identity : undefined;
  const route = url === undefined ? undefined : routeTo(url, process.env, config.ca, kept);
  const diagnosis = await examine({
    ...{ paths, enrolled, route, policy: policySource(config), secrets: config.secrets },
    running: await lookAtAgent(paths),
  });
  process.stdout.write(
    config.json ? `${JSON.stringify({ checks: diagnosis }, null, 2)}\n` : shown(diagnosis),
  );
  const failed = diagnosis.filter(({ result }) => result === "fail").map(({ name }) => name);
  if (failed.length > 0) throw new Failure(`something is wrong: ${failed.join(", ")}`);
}

/** One that is damaged is what the check of the identity tells. */
function identityIn(path: string): { identity?: Identity; enrolled: Patient["enrolled"] } {
  try {
    const identity = loadIdentity(path);
    return identity ? { identity, enrolled: "yes" } : { enrolled: "no" };
  } catch {
    return { enrolled: "unusable" };
  }
}

function shown(diagnosis: Diagnosis): string {
  const lines = diagnosis.flatMap((finding) => {
    const words = finding.words.replaceAll("\n", `\n  ${"".padEnd(16)} `);
    const line = `${MARKS[finding.result]} ${finding.name.padEnd(16)} ${words}`;
    return "advice" in finding ? [line, `  ${"".padEnd(16)} → ${finding.advice}`] : [line];
  });
  return `${lines.join("\n")}\n`;
}
