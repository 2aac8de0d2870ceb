/** The release that a local control plane offers: the agent's script for Node, signed with a key of its own. */
import { join } from "node:path";
import { ownVersion } from "../../agent/build.ts";
import { makeRelease, pinOf, pointTo, releaseKey } from "./release.ts";

/** What a control plane on a developer's machine is started with: so that `/install.sh` works, and webhooks to servers beside it. */
export async function localRelease(
  dataDir: string,
): Promise<{ releases: string; settings: { RELEASE_KEY: string; WEBHOOKS_TO_LOOPBACK: string } }> {
  const { key } = await releaseKey(join(dataDir, "release-key.pem"));
  const releases = join(dataDir, "releases");
  const version = await makeRelease({ key, folder: join(releases, await ownVersion()) });
  await pointTo(releases, version);
  return { releases, settings: { RELEASE_KEY: pinOf(key), WEBHOOKS_TO_LOOPBACK: "true" } };
}
