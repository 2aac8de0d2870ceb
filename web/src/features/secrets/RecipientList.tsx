import { CheckField } from "../../components/Input.tsx";
import { Skeleton } from "../../components/Skeleton.tsx";
import type { Candidate } from "./seal.ts";

interface Props {
  /** Undefined while their keys are being checked. */
  candidates: readonly Candidate[] | undefined;
  leftOut: ReadonlySet<string>;
  onLeaveOut(leftOut: ReadonlySet<string>): void;
}

/** To whom a secret is sealed, each with the fingerprint of its key, to be compared with what its host shows. */
export function RecipientList({ candidates, leftOut, onLeaveOut }: Props) {
  const toggle = (id: string, isIn: boolean) => {
    const others = new Set(leftOut);
    if (isIn) others.delete(id);
    else others.add(id);
    onLeaveOut(others);
  };
  return (
    <fieldset className="flex min-w-0 flex-col gap-2">
      <legend className="font-medium">Agents</legend>
      <p className="text-[0.8125rem] text-muted">
        Compare the fingerprints with <code className="font-mono">farhand-agent status</code> on the hosts,
        where it matters: this page got the keys from the control plane.
      </p>
      {!candidates && <Skeleton className="h-10" />}
      {candidates?.length === 0 && <p className="text-muted">There is no agent yet to seal it to.</p>}
      {candidates && candidates.length > 0 && (
        <ul className="divide-y divide-line rounded-md border border-line">
          {candidates.map(({ agent, found }) => (
            <li key={agent.id} className="px-3 py-1.5">
              {found.ok ? (
                <CheckField
                  checked={!leftOut.has(agent.id)}
                  onChange={(event) => toggle(agent.id, event.target.checked)}
                >
                  <span className="font-medium">{agent.name}</span>{" "}
                  <span className="text-[0.8125rem] text-muted">
                    {agent.presence ? "connected" : "away: gets it when it connects, within 7 days"}
                  </span>
                  <code className="block font-mono text-xs text-muted wrap-anywhere">
                    {found.recipient.fingerprint}
                  </code>
                </CheckField>
              ) : (
                <p className="py-1 text-[0.8125rem] text-muted">{found.problem}.</p>
              )}
            </li>
          ))}
        </ul>
      )}
    </fieldset>
  );
}
