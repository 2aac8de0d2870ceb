/** Set by the build; running from source has no release to name, and no key that would sign the next one. */
declare const FARHAND_VERSION: string | undefined;
declare const FARHAND_RELEASE_KEY: string | undefined;

export const AGENT_VERSION: string = typeof FARHAND_VERSION === "string" ? FARHAND_VERSION : "source";

/** Public half of the key that signs releases: SPKI in base64. */
export const RELEASE_KEY: string | undefined =
  typeof FARHAND_RELEASE_KEY === "string" ? FARHAND_RELEASE_KEY : undefined;
