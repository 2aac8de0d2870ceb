/** What the newest release of the agent has for hosts, from the files that installers read too. */
import { queryOptions } from "@tanstack/react-query";
import { latestReleaseSchema, RELEASE_MANIFEST, RELEASE_PATHS, releaseSchema } from "#protocol/release.ts";
import { requestBytes } from "../client.ts";
import { ApiError } from "../errors.ts";

/** `program`: one that brings its own Node. `node`: only the script for a host's own. `none`: there is no release. */
export type ReleaseOffer = "program" | "node" | "none";

export const releaseOfferQuery = queryOptions({
  queryKey: ["release-offer"],
  queryFn: async ({ signal }): Promise<ReleaseOffer> => {
    const read = async (path: string): Promise<unknown> =>
      JSON.parse(new TextDecoder().decode(await requestBytes(`/${path}`, signal)));
    try {
      const { version } = latestReleaseSchema.parse(await read(RELEASE_PATHS.latest));
      const release = releaseSchema.parse(await read(RELEASE_PATHS.file(version, RELEASE_MANIFEST)));
      return release.artifacts.some(({ name }) => /-linux-\w+\.tar\.gz$/.test(name)) ? "program" : "node";
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return "none";
      throw error;
    }
  },
  staleTime: 60_000,
  retry: false,
});
