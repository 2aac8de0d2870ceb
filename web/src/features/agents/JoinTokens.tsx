import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { toast } from "sonner";
import type { JoinToken, Pool } from "#protocol/api/pools.ts";
import { messageOf } from "../../api/errors.ts";
import { agentKeys, joinTokensQuery, removeJoinToken } from "../../api/queries/agents.ts";
import { Badge } from "../../components/Badge.tsx";
import { Button } from "../../components/Button.tsx";
import { Card } from "../../components/Page.tsx";
import { RelativeTime } from "../../components/RelativeTime.tsx";
import { useNow } from "../../components/useNow.ts";

/** The tokens that still let somebody in; nothing when there are none. */
export function JoinTokens({ pools }: { pools: readonly Pool[] }) {
  const tokens = useQuery(joinTokensQuery);
  const now = useNow();
  const open = (tokens.data ?? []).filter(
    (token) => !token.revokedAt && token.usesLeft > 0 && Date.parse(token.expiresAt) > now,
  );
  if (open.length === 0) return null;
  return (
    <section aria-label="Open join tokens" className="mt-6">
      <h2 className="mb-2 font-medium">Open join tokens</h2>
      <Card>
        <ul aria-label="Join tokens" className="divide-y divide-line">
          {open.map((token) => (
            <TokenRow
              key={token.id}
              token={token}
              pool={pools.find(({ id }) => id === token.poolId)?.name ?? token.poolId}
            />
          ))}
        </ul>
      </Card>
    </section>
  );
}

function TokenRow({ token, pool }: { token: JoinToken; pool: string }) {
  const queries = useQueryClient();
  const remove = useMutation({
    mutationFn: () => removeJoinToken(token.id),
    onSuccess: async () => {
      toast.success("The token is taken back");
      await queries.invalidateQueries({ queryKey: agentKeys.joinTokens });
    },
    onError: (error) => toast.error("The token was not taken back", { description: messageOf(error) }),
  });
  const names = token.joined.map(({ name }) => name);
  return (
    <li className="flex items-start gap-4 px-4 py-3">
      <div className="min-w-0 flex-1">
        <p className="font-medium">
          {token.usesLeft} of {token.uses} left for {pool}
        </p>
        <p className="mt-0.5 text-[0.8125rem] text-muted wrap-anywhere">
          made <RelativeTime time={token.createdAt} />, good until{" "}
          {new Date(token.expiresAt).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}
          {names.length > 0 &&
            ` · joined: ${names.join(", ")}${token.uses - token.usesLeft > names.length ? " …" : ""}`}
        </p>
        <ul aria-label="Labels" className="mt-1.5 flex flex-wrap gap-1">
          {Object.entries(token.labels).map(([name, value]) => (
            <li key={name} className="max-w-full">
              <Badge className="font-mono font-normal">
                <span className="truncate">
                  {name}={value}
                </span>
              </Badge>
            </li>
          ))}
        </ul>
      </div>
      <Button variant="dangerQuiet" busy={remove.isPending} onClick={() => remove.mutate()}>
        Take back
      </Button>
    </li>
  );
}
