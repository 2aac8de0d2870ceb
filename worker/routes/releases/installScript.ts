/** `GET /install.sh`: the newest release's own installer, with what it has to know of this control plane. */
import { sha256Hex } from "#protocol/digest.ts";
import {
  checkRelease,
  misfit,
  RELEASE_INSTALLER,
  RELEASE_MANIFEST,
  RELEASE_PATHS,
  RELEASE_SIGNATURE,
} from "#protocol/release.ts";
import type { AppContext } from "../../context.ts";
import { ApiError } from "../../errors.ts";
import { admit, askForAnonymous } from "../../limiter/admission.ts";
import { latestVersion } from "../../releases.ts";

/**
 * The script is a file of the release and checked like every other, for whoever
 * pipes it into a shell trusts it with everything. Its digest of the release's
 * list is filled in here: so it holds on to this release whatever the bucket
 * says a moment later.
 */
export async function installScript(c: AppContext): Promise<Response> {
  admit(await askForAnonymous(c));
  const { releaseKey, publicOrigin } = c.var.settings;
  const bucket = c.env.RELEASES;
  const version = await latestVersion(bucket);
  if (releaseKey === undefined || version === undefined) {
    throw new ApiError("not_found", "No release of the agent is offered here yet.");
  }
  const [manifest, signature, script] = await Promise.all(
    [RELEASE_MANIFEST, RELEASE_SIGNATURE, RELEASE_INSTALLER].map((name) =>
      read(bucket, RELEASE_PATHS.file(version, name)),
    ),
  );
  if (!manifest || !signature || !script) throw unfit(version, "a file of it is missing");
  const check = await checkRelease(manifest, signature, releaseKey);
  if (!check.ok) throw unfit(version, check.reason);
  const reason = await misfit(check.release, RELEASE_INSTALLER, script);
  if (reason) throw unfit(version, reason);
  const values: Record<string, string> = {
    "@URL@": publicOrigin,
    "@VERSION@": check.release.version,
    "@RELEASE_KEY@": releaseKey,
    "@MANIFEST_SHA256@": await sha256Hex(manifest),
  };
  const text = new TextDecoder().decode(script).replace(/@[A-Z0-9_]+@/g, (mark) => values[mark] ?? mark);
  return new Response(text, {
    headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "no-cache" },
  });
}

async function read(bucket: R2Bucket, key: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const object = await bucket.get(key);
  return object ? new Uint8Array(await object.arrayBuffer()) : undefined;
}

/** Nobody is to install it, and whoever runs this control plane reads why in its log. */
function unfit(version: string, reason: string): ApiError {
  const detail = `Release ${version} of the agent is not offered: ${reason}.`;
  return new ApiError("unavailable", detail);
}
