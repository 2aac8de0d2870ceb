import { Lock } from "lucide-react";
import type { Target } from "#protocol/blocks/common.ts";
import type { RunbookDocument } from "#protocol/runbook/document.ts";
import type { Parameter } from "#protocol/runbook/parameters.ts";
import { Badge } from "../../components/Badge.tsx";
import { formatDuration } from "../../components/format.ts";
import { Section } from "./Section.tsx";

/** What holds for a runbook as a whole. */
export function DocumentFacts({ document }: { document: RunbookDocument }) {
  const { target, parameters, timeoutMs, locks } = document;
  return (
    <>
      <Section title="Runs on">
        <TargetView target={target} />
      </Section>
      <Section title="Parameters">
        <ParameterList parameters={parameters} />
      </Section>
      {timeoutMs !== undefined && <Section title="Time limit">{formatDuration(timeoutMs)}</Section>}
      {locks && (
        <Section title="Locks">
          <LockList locks={locks} />
        </Section>
      )}
    </>
  );
}

export function LockList({ locks }: { locks: NonNullable<RunbookDocument["locks"]> }) {
  return (
    <div className="flex flex-wrap gap-1.5">
      {locks.map(({ name, mode }) => (
        <Badge key={name}>
          <Lock aria-hidden />
          {name}
          {mode === "shared" && " (shared)"}
        </Badge>
      ))}
    </div>
  );
}

/** Where it runs: the pool, and the labels that an agent must have. */
export function TargetView({ target }: { target: Target }) {
  return (
    <div className="flex min-w-0 flex-wrap gap-1.5">
      <Badge>
        <span className="font-normal">pool</span> {target.pool ?? "default"}
      </Badge>
      {Object.entries(target.labels ?? {}).map(([name, value]) => (
        <Badge key={name}>
          <span className="truncate">
            <span className="font-normal">{name}=</span>
            {value}
          </span>
        </Badge>
      ))}
    </div>
  );
}

/** What it asks for before it runs. */
export function ParameterList({ parameters }: { parameters: RunbookDocument["parameters"] }) {
  if (parameters.length === 0) return <p className="text-muted">None.</p>;
  return (
    <dl className="flex flex-col gap-2.5">
      {parameters.map((parameter) => (
        <div key={parameter.name} className="min-w-0">
          <dt className="flex flex-wrap items-baseline gap-x-2">
            <code className="font-mono text-[0.8125rem] font-medium wrap-anywhere">{parameter.name}</code>
            <span className="text-xs text-muted wrap-anywhere">{constraint(parameter)}</span>
          </dt>
          {parameter.description && (
            <dd className="text-[0.8125rem] text-muted wrap-anywhere">{parameter.description}</dd>
          )}
        </div>
      ))}
    </dl>
  );
}

/** The type and its limits in a few words: `number, 1 to 60, default 5`. */
function constraint(parameter: Parameter): string {
  const parts: string[] = [parameter.type];
  if (parameter.type === "choice") parts[0] = parameter.options.join(" | ");
  if (parameter.type === "string" && parameter.pattern) parts.push(`matches ${parameter.pattern}`);
  if (parameter.type === "number") parts.push(...range(parameter.min, parameter.max));
  if (parameter.default !== undefined) parts.push(`default ${String(parameter.default) || "empty"}`);
  else if (parameter.required === false) parts.push("optional");
  return parts.join(", ");
}

export function range(min: number | undefined, max: number | undefined): string[] {
  if (min !== undefined && max !== undefined) return [`${min} to ${max}`];
  if (min !== undefined) return [`at least ${min}`];
  if (max !== undefined) return [`at most ${max}`];
  return [];
}
