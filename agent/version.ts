/** Set by the build from package.json; running from source has no release to name. */
declare const FARHAND_VERSION: string | undefined;

export const AGENT_VERSION: string = typeof FARHAND_VERSION === "string" ? FARHAND_VERSION : "source";
