import { Copy, Download, Search, WrapText } from "lucide-react";
import { toast } from "sonner";
import type { Step } from "#protocol/api/executions.ts";
import { rawOutputPath } from "../../api/queries/executions.ts";
import { copyText } from "../../components/CopyButton.tsx";
import { classes } from "../../components/classes.ts";
import { DropdownMenu, MenuItem } from "../../components/DropdownMenu.tsx";
import { formatBytes, plural } from "../../components/format.ts";
import { IconButton } from "../../components/IconButton.tsx";
import type { StepLog } from "../../live/executionSession.ts";
import { COPY_MAX_BYTES, logAsText } from "../log/copyLog.ts";
import { StepBadge } from "./StatusBadge.tsx";
import { usageWords } from "./words.ts";

interface Props {
  executionId: string;
  step: Step;
  log: StepLog;
  wrap: boolean;
  onWrap(wrap: boolean): void;
  onSearch(): void;
}

export function StepToolbar({ executionId, step, log, wrap, onWrap, onSearch }: Props) {
  const { store } = log;
  const empty = store.bytes === 0;
  return (
    <div
      className={classes(
        "flex items-center gap-2 border-b border-line bg-surface py-1 pr-2 pl-4",
        // On a phone the name stands above, and without output there is nothing to do to it.
        empty && step.state === "waiting" && "max-md:hidden",
      )}
    >
      <h2 className="hidden min-w-0 truncate font-medium md:block">{step.title}</h2>
      <span className="hidden md:block">
        <StepBadge state={step.state} />
      </span>
      <p className="min-w-0 flex-1 basis-2/5 truncate text-xs text-muted">
        {step.agentName && <span>on {step.agentName}</span>}
        {step.attempt > 1 && <span> · attempt {step.attempt}</span>}
        {!empty && (
          <span className="tabular-nums">
            {step.agentName && " · "}
            {plural(store.lineCount, "line")}
            <span className="max-sm:hidden">, {formatBytes(store.bytes)}</span>
          </span>
        )}
        {step.usage && <span className="max-sm:hidden tabular-nums"> · {usageWords(step.usage)}</span>}
      </p>
      <div className="flex shrink-0">
        <IconButton size="iconSm" label="Find" icon={<Search />} disabled={empty} onClick={onSearch} />
        <IconButton
          size="iconSm"
          label="Wrap long lines"
          icon={<WrapText />}
          aria-pressed={wrap}
          className="aria-pressed:bg-accent-soft aria-pressed:text-link"
          onClick={() => onWrap(!wrap)}
        />
        <IconButton
          size="iconSm"
          label="Copy output"
          icon={<Copy />}
          disabled={empty}
          onClick={() => copyOutput(log)}
        />
        <DropdownMenu
          trigger={<IconButton size="iconSm" label="Download" icon={<Download />} disabled={empty} />}
        >
          {(["stdout", "stderr"] as const).map((stream) => (
            <MenuItem key={stream} asChild>
              <a href={rawOutputPath(executionId, step.id, stream)} download={`${step.id}.${stream}.txt`}>
                Download {stream}, as it was printed
              </a>
            </MenuItem>
          ))}
        </DropdownMenu>
      </div>
    </div>
  );
}

async function copyOutput(log: StepLog): Promise<void> {
  if (log.store.bytes > COPY_MAX_BYTES) {
    toast.error("That is too much for the clipboard", { description: "Download it instead." });
    return;
  }
  try {
    if (await copyText(await logAsText(log))) toast.success("Output copied");
  } catch {
    toast.error("The output could not be read", { description: "Check the connection and try again." });
  }
}
