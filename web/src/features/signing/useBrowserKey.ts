import { useQuery } from "@tanstack/react-query";
import { meQuery } from "../../api/queries/me.ts";
import { browserKeyQuery, signingKeysQuery } from "../../api/queries/signatures.ts";
import type { KeyOwner } from "../../signing/browserKey.ts";

/** Whose keys this browser keeps, once it is known who is logged in. */
export function useKeyOwner(): KeyOwner | undefined {
  const { data: me } = useQuery(meQuery);
  return me && { organizationId: me.organization.id, userId: me.actor.id };
}

/** The key that this browser signs with and its name; undefined when it has none that still counts. */
export function useBrowserKey() {
  const { data: key } = useQuery(browserKeyQuery(useKeyOwner()));
  const { data: keys } = useQuery({ ...signingKeysQuery, enabled: key != null });
  const registered = keys?.find(({ fingerprint }) => fingerprint === key?.fingerprint);
  return key && registered && !registered.revokedAt ? { key, name: registered.name } : undefined;
}
