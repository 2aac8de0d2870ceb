import type { PlannedStep, Preview } from "#protocol/api/previews.ts";
import { Badge } from "../../components/Badge.tsx";
import { classes } from "../../components/classes.ts";
import { firstWords } from "../runbooks/plainText.ts";

interface Props {
  steps: readonly PlannedStep[];
  /** The runbooks that steps start. */
  runbooks: Preview["runbooks"];
}

const DEPTH_SHOWN = 5;

/** The steps in their order, each as deep as it stands, with what decides whether and where it runs. */
export function PlannedSteps({ steps, runbooks }: Props) {
  const depths = new Map<string, number>();
  return (
    <ol aria-label="Planned steps" className="divide-y divide-line rounded-lg border border-line bg-surface">
      {steps.map((step) => {
        const depth = step.parent === undefined ? 0 : (depths.get(step.parent) ?? 0) + 1;
        depths.set(step.id, depth);
        const starts = runbooks.find(({ versionId }) => versionId === step.startsVersion);
        return (
          <li
            key={step.id}
            className="py-2 pr-3"
            style={{ paddingLeft: `${0.75 + Math.min(depth, DEPTH_SHOWN)}rem` }}
          >
            <div className="flex flex-wrap items-center gap-x-2 gap-y-1">
              {step.list && <span className="text-xs text-muted">{step.list}</span>}
              <span className={classes("min-w-0 wrap-anywhere", step.skipped && "text-muted line-through")}>
                {firstWords(step.title)}
              </span>
              <span className="text-xs text-muted">{step.kind}</span>
              <Where where={step.where} />
            </div>
            {step.skipped && <p className="text-[0.8125rem] text-muted">Skipped: {step.skipped}</p>}
            {step.when && (
              <p className="text-[0.8125rem] text-muted">
                only when <code className="font-mono wrap-anywhere">{step.when}</code>
              </p>
            )}
            {step.secrets && (
              <p className="text-[0.8125rem] text-muted">
                gets <span className="font-mono wrap-anywhere">{step.secrets.join(", ")}</span>
              </p>
            )}
            {starts && (
              <p className="text-[0.8125rem] text-muted">
                starts “{starts.title}”, version {starts.versionNumber}
              </p>
            )}
          </li>
        );
      })}
    </ol>
  );
}

function Where({ where }: Pick<PlannedStep, "where">) {
  if (!where) return null;
  const labels = Object.entries(where.labels).map(([name, value]) => `${name}=${value}`);
  const how = { one: "on", all: "on all of", rolling: "one after the other on" }[where.mode];
  return (
    <Badge className="ml-auto font-normal">
      <span className="truncate">{[how, where.poolName, ...labels].join(" ")}</span>
    </Badge>
  );
}
