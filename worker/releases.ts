/** What the bucket of releases says. */
import { latestReleaseSchema, RELEASE_MANIFEST, RELEASE_PATHS } from "#protocol/release.ts";
import { ApiError } from "./errors.ts";

/** The newest release; undefined when none is offered. @throws ApiError `unavailable` for a pointer that is none */
export async function latestVersion(bucket: R2Bucket): Promise<string | undefined> {
  const object = await bucket.get(RELEASE_PATHS.latest);
  if (!object) return undefined;
  try {
    return latestReleaseSchema.parse(await object.json()).version;
  } catch (cause) {
    throw new ApiError("unavailable", "Which release of the agent is the newest cannot be told.", { cause });
  }
}

export async function isOffered(bucket: R2Bucket, version: string): Promise<boolean> {
  return (await bucket.head(RELEASE_PATHS.file(version, RELEASE_MANIFEST))) !== null;
}
