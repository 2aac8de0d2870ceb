import { useQuery } from "@tanstack/react-query";
import { Lock } from "lucide-react";
import { Link } from "react-router";
import type { Execution } from "#protocol/api/executions.ts";
import { locksQuery } from "../../api/queries/executions.ts";
import { Notice } from "../../components/Notice.tsx";
import { RelativeTime } from "../../components/RelativeTime.tsx";
import { paths } from "../../routes/paths.ts";
import { locksInTheWay } from "./locks.ts";

/** Which locks are in the way, who has them, and how many stand before it. */
export function LocksNotice({ execution, step }: { execution: Execution; step: string }) {
  const { data } = useQuery(locksQuery);
  const inTheWay = locksInTheWay(data ?? [], execution.id, step);
  const names = inTheWay.length > 0 ? inTheWay.map(({ name }) => name) : (execution.locks?.names ?? []);
  const waiting = execution.steps.find(({ id }) => id === step);
  return (
    <Notice
      tone="warn"
      role="status"
      icon={<Lock aria-hidden />}
      title={`${waiting ? `“${waiting.title}” waits` : "Waiting"} for the ${names.length === 1 ? "lock" : "locks"} ${names.join(", ")}`}
    >
      {inTheWay.length === 0 && "It goes on as soon as they are free."}
      <ul>
        {inTheWay.map(({ name, holders, ahead }) => (
          <li key={name}>
            {holders.length > 0 && (
              <>
                {names.length > 1 && `${name}: `}Held by{" "}
                {holders.map(({ executionId, title, since }, index) => (
                  <span key={executionId}>
                    {index > 0 && ", "}
                    <Link to={paths.execution(executionId)} className="text-link underline">
                      {title}
                    </Link>{" "}
                    (since <RelativeTime time={since} />)
                  </span>
                ))}
                .{" "}
              </>
            )}
            {ahead > 0 && `${ahead} more ${ahead === 1 ? "waits" : "wait"} before it.`}
          </li>
        ))}
      </ul>
    </Notice>
  );
}
