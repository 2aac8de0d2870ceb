import { Ellipsis, ShieldCheck, ShieldOff } from "lucide-react";
import { useState } from "react";
import type { Agent } from "#protocol/api/pools.ts";
import { Badge } from "../../components/Badge.tsx";
import { CopyButton } from "../../components/CopyButton.tsx";
import { DropdownMenu, MenuItem } from "../../components/DropdownMenu.tsx";
import { plural } from "../../components/format.ts";
import { IconButton } from "../../components/IconButton.tsx";
import { LabelList } from "../../components/LabelList.tsx";
import { RelativeTime } from "../../components/RelativeTime.tsx";
import { ReleaseAgentDialog, RevokeAgentDialog } from "./AgentDialogs.tsx";
import { presenceLook } from "./presence.ts";
import { versionLook } from "./version.ts";

export function AgentRow({ agent }: { agent: Agent }) {
  const [revoking, setRevoking] = useState(false);
  const [releasing, setReleasing] = useState(false);
  const { presence } = agent;
  const { label, tone, icon: Icon } = presenceLook(agent);
  const version = presence && versionLook(presence);
  return (
    <li className="flex items-start gap-x-4 px-4 py-3">
      <div className="grid min-w-0 flex-1 gap-x-4 gap-y-1 sm:grid-cols-[minmax(0,1fr)_auto]">
        <div className="min-w-0">
          <div className="flex flex-wrap items-center gap-x-2.5 gap-y-1">
            <span className="font-medium wrap-anywhere">{agent.name}</span>
            <Badge tone={tone}>
              <Icon aria-hidden />
              {label}
            </Badge>
            {version && <Badge>{version.badge}</Badge>}
          </div>
          <p className="mt-0.5 text-[0.8125rem] text-muted wrap-anywhere">
            {presence ? (
              <>
                {presence.os} {presence.arch} · version {presence.agentVersion} · since{" "}
                <RelativeTime time={presence.connectedAt} />
              </>
            ) : (
              <>
                {agent.lastSeenAt && (
                  <>
                    last connected <RelativeTime time={agent.lastSeenAt} /> ·{" "}
                  </>
                )}
                added <RelativeTime time={agent.createdAt} />
              </>
            )}
          </p>
          {agent.quarantinedAt && (
            <p className="mt-0.5 text-[0.8125rem] text-bad">
              Two machines use its key: one is a copy of the other, or was restored from a backup. Both get no
              work.
            </p>
          )}
          {version && <p className="text-[0.8125rem] text-muted wrap-anywhere">{version.words}</p>}
          <Fingerprint text={agent.fingerprint} />
          <LabelList labels={agent.labels} />
          {agent.hostLabels && <HostLabels labels={agent.hostLabels} />}
        </div>
        {presence && <Slots busy={presence.busySlots} slots={presence.slots} />}
      </div>
      <DropdownMenu trigger={<IconButton label={`More about ${agent.name}`} icon={<Ellipsis />} />}>
        {agent.quarantinedAt && (
          <MenuItem icon={<ShieldCheck aria-hidden />} onSelect={() => setReleasing(true)}>
            Release…
          </MenuItem>
        )}
        <MenuItem danger icon={<ShieldOff aria-hidden />} onSelect={() => setRevoking(true)}>
          Revoke…
        </MenuItem>
      </DropdownMenu>
      <ReleaseAgentDialog agent={agent} open={releasing} onOpenChange={setReleasing} />
      <RevokeAgentDialog agent={agent} open={revoking} onOpenChange={setRevoking} />
    </li>
  );
}

/** Whole, for it is there to be compared with what `farhand-agent status` says on the host. */
function Fingerprint({ text }: { text: string }) {
  return (
    <div className="mt-0.5 flex items-start gap-1 text-[0.8125rem] text-muted">
      <p className="min-w-0 wrap-anywhere">
        Key fingerprint <span className="font-mono">{text}</span>
      </p>
      {/* Beside one line of text, which is lower than the button. */}
      <span className="-my-1 shrink-0 pointer-coarse:-my-3">
        <CopyButton text={text} what="fingerprint" />
      </span>
    </div>
  );
}

/** What it found out about its host: folded, for there are dozens. */
function HostLabels({ labels }: { labels: Readonly<Record<string, string>> }) {
  const count = Object.keys(labels).length;
  if (count === 0) return null;
  return (
    <details className="mt-1.5 text-[0.8125rem]">
      <summary className="w-fit cursor-pointer text-muted pointer-coarse:py-2">
        {plural(count, "host label")}
      </summary>
      <LabelList name="Host labels" labels={labels} />
    </details>
  );
}

function Slots({ busy, slots }: { busy: number; slots: number }) {
  return (
    <p className="text-[0.8125rem] text-muted tabular-nums sm:pt-0.5 sm:text-right">
      {busy} of {slots} {slots === 1 ? "slot" : "slots"} busy
    </p>
  );
}
