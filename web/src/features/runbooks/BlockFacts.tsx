import { CircleHelp, KeySquare, Lock, RotateCw, Timer, Unplug } from "lucide-react";
import type { BlockTarget } from "#protocol/blocks/common.ts";
import type { Block } from "#protocol/blocks/index.ts";
import { STEP_TIMEOUT_DEFAULT_MS } from "#protocol/limits.ts";
import { secretsOf } from "#protocol/secrets.ts";
import { Badge } from "../../components/Badge.tsx";
import { formatBytes, formatDuration } from "../../components/format.ts";

/** What is out of the ordinary about a block, in a few words each. */
export function BlockFacts({ block }: { block: Block }) {
  return (
    <>
      {block.when !== undefined && (
        <Badge>
          when <code className="max-w-48 truncate font-mono font-normal">{block.when}</code>
        </Badge>
      )}
      {block.confirm !== undefined && (
        <Badge tone="warn">
          <CircleHelp aria-hidden />
          asks first
        </Badge>
      )}
      {block.locks?.map(({ name, mode }) => (
        <Badge key={name}>
          <Lock aria-hidden />
          {name}
          {mode === "shared" && " (shared)"}
        </Badge>
      ))}
      {secretsOf(block).map((name) => (
        <Badge key={name}>
          <KeySquare aria-hidden />
          <span className="sr-only">secret </span>
          {name}
        </Badge>
      ))}
      {block.onFailure === "continue" && <Badge>may fail</Badge>}
      <AttemptFacts block={block} />
      {block.timeoutMs !== undefined && block.timeoutMs !== STEP_TIMEOUT_DEFAULT_MS && (
        <Badge>
          <Timer aria-hidden />
          {formatDuration(block.timeoutMs)}
        </Badge>
      )}
      {block.kind === "command" && <Badge className="font-mono font-normal">{block.interpreter}</Badge>}
    </>
  );
}

/** Of what an agent carries out, and what may be tried again. */
function AttemptFacts({ block }: { block: Block }) {
  const target = "target" in block ? block.target : undefined;
  const retry = "retry" in block ? block.retry : undefined;
  return (
    <>
      {target && <Badge>{targetWords(target)}</Badge>}
      {retry && (
        <Badge>
          <RotateCw aria-hidden />
          up to {retry.maxAttempts} times
        </Badge>
      )}
      {"onDisconnect" in block && block.onDisconnect === "stop" && (
        <Badge tone="warn">
          <Unplug aria-hidden />
          stops when disconnected
        </Badge>
      )}
      {"outputLimitBytes" in block && block.outputLimitBytes !== undefined && (
        <Badge>keeps {formatBytes(block.outputLimitBytes)}</Badge>
      )}
    </>
  );
}

function targetWords({ pool, labels, mode, batch }: BlockTarget): string {
  const where = [pool, ...Object.entries(labels ?? {}).map(([name, value]) => `${name}=${value}`)];
  const how = { one: "on", all: "on all", rolling: `${batch ?? 1} at a time on` }[mode ?? "one"];
  return `${how} ${where.filter(Boolean).join(" ") || "matching agents"}`;
}
