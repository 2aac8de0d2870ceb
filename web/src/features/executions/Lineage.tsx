import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link } from "react-router";
import type { Execution } from "#protocol/api/executions.ts";
import { retriesQuery } from "../../api/queries/executions.ts";
import { paths } from "../../routes/paths.ts";
import { allows, executionLook } from "./states.ts";

/** Where an execution comes from, and which ones tried it again. */
export function Lineage({ execution }: { execution: Execution }) {
  const { trigger } = execution;
  const { data: retries = [] } = useQuery({
    ...retriesQuery(execution),
    enabled: allows(execution.state, "retry"),
  });
  return (
    <>
      {trigger.type === "retry" && (
        <Fact>
          Retry of <To id={trigger.executionId}>an earlier execution</To>
        </Fact>
      )}
      {trigger.type === "parent" && (
        <Fact>
          Started by <To id={trigger.executionId}>another execution</To>
        </Fact>
      )}
      {retries.map(({ id, state }) => (
        <Fact key={id}>
          Retried: <To id={id}>{executionLook(state).label.toLowerCase()}</To>
        </Fact>
      ))}
    </>
  );
}

function Fact({ children }: { children: ReactNode }) {
  return (
    <>
      <span aria-hidden>·</span>
      <span>{children}</span>
    </>
  );
}

function To({ id, children }: { id: string; children: ReactNode }) {
  return (
    <Link to={paths.execution(id)} className="text-link underline decoration-link/40 hover:decoration-link">
      {children}
    </Link>
  );
}
