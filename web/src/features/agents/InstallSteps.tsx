import { useQuery } from "@tanstack/react-query";
import { CircleCheck, LoaderCircle, RefreshCw } from "lucide-react";
import type { ReactNode } from "react";
import type { JoinTokenCreated } from "#protocol/api/pools.ts";
import { type ReleaseOffer, releaseOfferQuery } from "../../api/queries/releases.ts";
import { Button } from "../../components/Button.tsx";
import { CommandLine } from "../../components/CommandLine.tsx";
import { Notice } from "../../components/Notice.tsx";
import { useNow } from "../../components/useNow.ts";
import { installCommands } from "./installCommands.ts";
import { useNewAgent } from "./useNewAgent.ts";

interface Props {
  token: JoinTokenCreated;
  onRenew(): void;
  renewing: boolean;
}

export function InstallSteps({ token, onRenew, renewing }: Props) {
  const agent = useNewAgent(token);
  const now = useNow(!agent);
  const left = Math.max(0, Date.parse(token.expiresAt) - now);
  const { data, isPending } = useQuery(releaseOfferQuery);
  // Where it cannot be told, the installer says what is wrong.
  const offer = data ?? "program";
  const { install, download, enroll, run } = installCommands(location.origin, token.token, offer);
  return (
    <div className="flex flex-col gap-4">
      {isPending || install === undefined ? null : <OneLine command={install} offer={offer} />}
      <details className="group" open={offer === "none" || undefined}>
        <summary className="cursor-pointer text-muted text-sm">
          {offer === "none" ? "With" : "Elsewhere, or without root: with"} Node 22.3 or newer
        </summary>
        <p className="mt-2 text-muted text-sm">Do this as the user that should run your commands.</p>
        <ol className="mt-3 flex flex-col gap-4">
          <InstallStep number={1} title="Download the agent: one file">
            <CommandLine command={download} />
          </InstallStep>
          <InstallStep number={2} title="Enroll it: its key is made on the machine and stays there">
            <CommandLine command={enroll} />
            <p className="text-muted text-sm">
              <code>--label</code> works here too; <code>--name</code> calls it other than the host,{" "}
              <code>--state</code> keeps its files elsewhere.
            </p>
          </InstallStep>
          <InstallStep number={3} title="Let it run">
            <CommandLine command={run} />
          </InstallStep>
        </ol>
      </details>
      <div role="status">
        {agent?.presence ? (
          <Notice tone="good" icon={<CircleCheck aria-hidden />} title={`${agent.name} is connected`}>
            It takes work from now on.
          </Notice>
        ) : agent ? (
          <Notice
            tone="live"
            icon={<LoaderCircle className="animate-spin" aria-hidden />}
            title={`${agent.name} has enrolled`}
          >
            Waiting for it to connect.
          </Notice>
        ) : left > 0 ? (
          <Notice tone="neutral" icon={<LoaderCircle className="animate-spin" aria-hidden />}>
            Waiting for the agent… The token is good for {countdown(left)}
            {token.uses > 1 && ` and ${token.uses} machines`}.
          </Notice>
        ) : (
          <Notice
            tone="warn"
            title="The token has expired"
            actions={
              <Button size="sm" busy={renewing} onClick={onRenew}>
                {!renewing && <RefreshCw aria-hidden />}
                New token
              </Button>
            }
          >
            Whoever has not joined with it needs a new one.
          </Notice>
        )}
      </div>
    </div>
  );
}

function OneLine({ command, offer }: { command: string; offer: ReleaseOffer }) {
  return (
    <section className="flex min-w-0 flex-col gap-1.5">
      <h3 className="font-medium">On Linux with systemd, one line does it all</h3>
      <CommandLine command={command} />
      <p className="text-muted text-sm">
        {offer === "node" && (
          <>
            What is offered here has no Node of its own, hence{" "}
            <code className="whitespace-nowrap">--node</code>: the host needs Node 22.3 or newer.{" "}
          </>
        )}
        It checks what it downloads, makes a user and a confined service, enrolls and starts.{" "}
        <code>--label role=web</code>, as often as you like, lets runbooks choose it by that;{" "}
        <a className="underline" href="/install.sh" target="_blank" rel="noreferrer">
          read the script
        </a>{" "}
        first, or <code>--help</code> for the rest.
      </p>
    </section>
  );
}

function InstallStep({ number, title, children }: { number: number; title: string; children: ReactNode }) {
  return (
    <li className="flex min-w-0 flex-col gap-1.5">
      <h3 className="flex items-baseline gap-2 font-medium">
        <span className="text-muted tabular-nums">{number}.</span>
        {title}
      </h3>
      {children}
    </li>
  );
}

function countdown(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  if (seconds >= 3_600) return `${Math.ceil(seconds / 3_600)} hours`;
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
