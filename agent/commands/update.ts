import { latestReleaseSchema, RELEASE_PATHS } from "#protocol/release.ts";
import { isNewer } from "#protocol/update.ts";
import { sleep, systemClock } from "../clock.ts";
import { word } from "../config.ts";
import { routeTo } from "../connection/route.ts";
import { createTransport, getText, type Transport } from "../connection/transport.ts";
import { EXIT, Failure } from "../failure.ts";
import { requireIdentity } from "../identity.ts";
import { askAgent } from "../local/client.ts";
import { wordsOf } from "../log.ts";
import { statePaths } from "../paths.ts";
import { decideUpdate, decisionWords } from "../update/decide.ts";
import { downloadRelease } from "../update/download.ts";
import { installationAt, isCurrent, ownProgram, readReport } from "../update/installation.ts";
import { stage, withIncoming } from "../update/stage.ts";
import { DRAIN_MAX_MS } from "../update/updater.ts";
import { AGENT_VERSION } from "../version.ts";
import { beginTrial, groundsOf, INSTALLATION_OPTIONS, ownRequest, updaterOf } from "./applyUpdate.ts";
import { type ConfigOf, command, text, yes } from "./command.ts";

const OPTIONS = { ...INSTALLATION_OPTIONS, ca: text(word, "FARHAND_CA"), check: yes(), now: yes() };

export const updateCommand = command({
  usage: `update [--check | --now] [--trial-seconds N] [--ca FILE]
      Say which release is the newest, and whether the policy lets this agent become
      it; nothing is changed. --now, as root, installs it whatever mode and window
      say, once what runs has ended. It goes back by itself to the version before
      when the new one does not connect.`,
  options: OPTIONS,
  run: update,
});

const ASK_TIMEOUT_MS = 30_000;
/** Well within what the agent holds itself back for after each time. */
const HOLD_EVERY_MS = 500;

/** `farhand-agent update`: what there is to update to, or, with `--now`, does it because a person says so. */
async function update(config: ConfigOf<typeof OPTIONS>): Promise<void> {
  if (config.check && config.now) {
    throw new Failure("--check and --now are two things: choose one", EXIT.usage);
  }
  const paths = statePaths(config.state);
  const identity = requireIdentity(paths);
  const transport = createTransport(routeTo(identity.url, process.env, config.ca, identity));
  const installation = installationAt(config.installation);
  const { rules, key, current } = groundsOf(config, installation);
  const newest = await newestVersion(transport);
  const wanted = rules.pin ?? newest;
  const installs = isCurrent(installation, ownProgram());
  if (!config.now) {
    const failed = readReport(installation).failed.map(({ version }) => version);
    const facts = { rules, current: AGENT_VERSION, wanted: newest, installs, failed, share: 0 };
    const decision = decideUpdate({ ...facts, heardAt: 0, now: Date.now() });
    const words =
      decision.type === "do" ? `${newest} may be installed now` : decisionWords(decision, newest, rules.pin);
    process.stdout.write(`This is ${AGENT_VERSION}; the newest release is ${newest}: ${words}.\n`);
    if (installs && isNewer(wanted, current)) {
      process.stdout.write(`--now would install ${wanted}, once what runs here has ended.\n`);
    }
    return;
  }
  if (!installs) {
    throw new Failure(
      `this agent does not run from ${config.installation}: replace the container, the package or the file instead`,
    );
  }
  if (!isNewer(wanted, current)) {
    process.stdout.write(`${current} runs here, and ${wanted} is not newer.\n`);
    return;
  }
  const { deps } = updaterOf(config);
  const expected = { key, version: wanted, current };
  deps.say(`downloading ${wanted} from ${identity.url}`);
  await withIncoming(installation, async (incoming) => {
    await downloadRelease({ transport, files: incoming, ...expected });
    await stage(installation, incoming, expected);
  }).catch((error) => {
    throw new Failure(wordsOf(error));
  });
  await drained(paths.socket, deps.say);
  if (!(await beginTrial(deps, ownRequest(wanted), current))) {
    throw new Failure(`${wanted} did not come up: ${current} runs again`);
  }
}

/**
 * Has the running agent take nothing new, and resolves when nothing runs. The
 * agent takes work again by itself when this process is gone and it still runs.
 * @throws Failure when what runs does not end in time
 */
async function drained(socket: string, say: (words: string) => void): Promise<void> {
  const deadline = systemClock.monotonic() + DRAIN_MAX_MS;
  let isSaid = false;
  for (;;) {
    const running = await askAgent(socket, "hold-back");
    if (!running || running.report.leases.length === 0) return;
    if (!isSaid) say("waiting for what runs here to end; nothing new is taken. Ctrl-C changes nothing");
    isSaid = true;
    if (systemClock.monotonic() > deadline) {
      throw new Failure("what runs here did not end within an hour: nothing was changed");
    }
    await sleep(systemClock, HOLD_EVERY_MS);
  }
}

async function newestVersion(transport: Transport): Promise<string> {
  const path = `/${RELEASE_PATHS.latest}`;
  try {
    const { body } = await getText(transport, path, ASK_TIMEOUT_MS, () => {});
    return latestReleaseSchema.parse(JSON.parse(body)).version;
  } catch {
    throw new Failure(`cannot learn from ${transport.url}${path} which release is the newest`);
  }
}
