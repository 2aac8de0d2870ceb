import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { KeySquare, Plus, Server } from "lucide-react";
import { useState } from "react";
import { Link } from "react-router";
import type { Agent, Pool } from "#protocol/api/pools.ts";
import { allItems } from "../../api/paging.ts";
import { agentsQuery, poolsQuery } from "../../api/queries/agents.ts";
import { Button } from "../../components/Button.tsx";
import { EmptyState } from "../../components/EmptyState.tsx";
import { ErrorState } from "../../components/ErrorState.tsx";
import { plural } from "../../components/format.ts";
import { LoadMore } from "../../components/LoadMore.tsx";
import { Card, Page } from "../../components/Page.tsx";
import { PageHeader } from "../../components/PageHeader.tsx";
import { SkeletonRows } from "../../components/Skeleton.tsx";
import { paths } from "../../routes/paths.ts";
import { AddAgentDialog } from "./AddAgentDialog.tsx";
import { AgentRow } from "./AgentRow.tsx";
import { JoinTokens } from "./JoinTokens.tsx";
import { NewPoolDialog } from "./NewPoolDialog.tsx";
import { PoolVersionDialog, versionWords } from "./PoolVersion.tsx";

export function AgentsPage() {
  const agents = useInfiniteQuery(agentsQuery);
  const pools = useQuery(poolsQuery);
  const [adding, setAdding] = useState<{ pool?: string }>();
  const [newPool, setNewPool] = useState(false);
  const all = allItems(agents.data).filter((agent) => !agent.revokedAt);
  const error = agents.error ?? pools.error;
  const retry = () => Promise.all([agents.refetch(), pools.refetch()]);
  return (
    <Page>
      <PageHeader
        title="Agents"
        description="Machines in your network that dial out to here and run what your runbooks say."
        actions={
          <>
            <Button asChild className="md:hidden">
              <Link to={paths.secrets}>
                <KeySquare aria-hidden />
                Secrets
              </Link>
            </Button>
            <Button onClick={() => setNewPool(true)}>New pool</Button>
            <Button variant="primary" onClick={() => setAdding({})}>
              <Plus aria-hidden />
              Add agent
            </Button>
          </>
        }
      />
      {error && (
        <Card>
          <ErrorState what="The agents" error={error} onRetry={retry} />
        </Card>
      )}
      {!error && (agents.isPending || pools.isPending) && (
        <Card>
          <SkeletonRows rows={3} />
        </Card>
      )}
      {pools.data && agents.data && (
        <div className="flex flex-col gap-6">
          {pools.data.map((pool) => (
            <PoolSection
              key={pool.id}
              pool={pool}
              first={all.length === 0}
              agents={all.filter((agent) => agent.poolId === pool.id)}
              onAdd={() => setAdding({ pool: pool.id })}
            />
          ))}
        </div>
      )}
      <LoadMore query={agents} />
      {pools.data && <JoinTokens pools={pools.data} />}
      {pools.data && adding && (
        <AddAgentDialog pools={pools.data} initialPool={adding.pool} onClose={() => setAdding(undefined)} />
      )}
      <NewPoolDialog open={newPool} onOpenChange={setNewPool} />
    </Page>
  );
}

interface PoolProps {
  pool: Pool;
  agents: readonly Agent[];
  /** There is no agent at all yet. */
  first: boolean;
  onAdd(): void;
}

function PoolSection({ pool, agents, first, onAdd }: PoolProps) {
  const [choosing, setChoosing] = useState(false);
  const connected = agents.filter((agent) => agent.presence).length;
  return (
    <section aria-label={`Pool ${pool.name}`}>
      <div className="mb-2 flex flex-wrap items-baseline gap-x-3">
        <h2 className="min-w-0 font-medium wrap-anywhere">{pool.name}</h2>
        <span className="text-[0.8125rem] text-muted">
          {agents.length === 0 ? "no agents" : `${connected} of ${plural(agents.length, "agent")} connected`}
        </span>
        <Button size="sm" variant="ghost" className="ml-auto" onClick={() => setChoosing(true)}>
          Wanted: {versionWords(pool)}
        </Button>
      </div>
      {choosing && <PoolVersionDialog pool={pool} onClose={() => setChoosing(false)} />}
      <Card>
        {agents.length === 0 ? (
          <EmptyPool first={first} onAdd={onAdd} />
        ) : (
          <ul aria-label={`Agents of ${pool.name}`} className="divide-y divide-line">
            {agents.map((agent) => (
              <AgentRow key={agent.id} agent={agent} />
            ))}
          </ul>
        )}
      </Card>
    </section>
  );
}

function EmptyPool({ first, onAdd }: { first: boolean; onAdd(): void }) {
  if (!first) {
    return (
      <div className="flex flex-wrap items-center justify-between gap-3 px-4 py-3 text-muted">
        What targets this pool waits until an agent joins it.
        <Button size="sm" onClick={onAdd}>
          Add agent
        </Button>
      </div>
    );
  }
  return (
    <EmptyState icon={<Server />} title="No agent yet" actions={<Button onClick={onAdd}>Add agent</Button>}>
      An agent is one program. It needs a way out to this address; nothing has to be opened inwards.
    </EmptyState>
  );
}
