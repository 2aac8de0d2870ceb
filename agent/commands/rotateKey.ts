import { systemClock } from "../clock.ts";
import { LOCAL_OPTIONS } from "../config.ts";
import { routeTo } from "../connection/route.ts";
import { ServerTime } from "../connection/serverTime.ts";
import { createTransport } from "../connection/transport.ts";
import { Failure } from "../failure.ts";
import { inWords } from "../files.ts";
import { requireIdentity } from "../identity.ts";
import { KeyRing } from "../keys.ts";
import { askAgent } from "../local/client.ts";
import { takeLock } from "../lock.ts";
import { wordsOf } from "../log.ts";
import { actAsOwner } from "../owner.ts";
import { statePaths } from "../paths.ts";
import { proposeKey } from "../rotation.ts";
import { command } from "./command.ts";

export const rotateKeyCommand = command({
  usage: `rotate-key [--state DIR]
      Go over to a new key now.`,
  options: LOCAL_OPTIONS,
  run: rotateKey,
});

/** `farhand-agent rotate-key`: a running agent goes over to a new key now, any other as soon as it starts. */
async function rotateKey({ state }: { state: string }): Promise<void> {
  actAsOwner(state);
  const paths = statePaths(state);
  const identity = requireIdentity(paths);
  const running = await askAgent(paths.socket, "rotate-key");
  if (running) {
    process.stdout.write(`The agent goes over to a new key. Fingerprint: ${running.said}\n`);
    return;
  }
  try {
    takeLock(paths.lock);
  } catch (error) {
    throw inWords(error, state);
  }
  const transport = createTransport(routeTo(identity.url, process.env, undefined, identity));
  const keys = KeyRing.open(paths, identity);
  const fingerprint = await proposeKey(keys, transport, new ServerTime(systemClock)).catch((error) => {
    const worded = inWords(error, state);
    throw worded instanceof Failure ? worded : new Failure(`cannot reach ${identity.url}: ${wordsOf(error)}`);
  });
  process.stdout.write(`The agent goes over to a new key when it starts. Fingerprint: ${fingerprint}\n`);
}
