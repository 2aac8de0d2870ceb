/** Outcomes, endings and waiting, in sentences. Pure, so that tests hold them. */
import type { Execution, QueuePlace, Step } from "#protocol/api/executions.ts";
import type { AttemptOutcome, StepUsage } from "#protocol/data.ts";
import type { Tone } from "../../components/Badge.tsx";
import { formatBytes, formatDuration, ordinal } from "../../components/format.ts";
import { culpritOf, endedBadly } from "./culprit.ts";
import { executionLook } from "./states.ts";

export interface Words {
  tone: Tone;
  title: string;
  detail?: string;
}

/** How a step ended. Undefined while it goes on, and when its state says it all. */
export function stepWords(step: Step): Words | undefined {
  switch (step.state) {
    case "unknown":
      return {
        tone: "odd",
        title: "Nobody knows how this step ended",
        detail: `${sentence(step.detail) || "It had started, and then the agent lost track of it."} It may have done all, part or none of its work: look at the machine before you run it again. It was not run a second time.`,
      };
    case "skipped":
      return { tone: "neutral", title: "Skipped", detail: sentence(step.detail) };
    case "failed":
    case "canceled":
    case "timed_out":
      return step.outcome ? outcomeWords(step.outcome, step) : bare(step);
    case "pending":
    case "waiting":
    case "dispatched":
    case "running":
    case "unreachable":
    case "succeeded":
      return undefined;
    default:
      return step.state satisfies never;
  }
}

function bare(step: Step): Words {
  const title = { failed: "Failed", canceled: "Canceled", timed_out: "Timed out" }[
    step.state as "failed" | "canceled" | "timed_out"
  ];
  return { tone: step.state === "canceled" ? "neutral" : "bad", title, detail: sentence(step.detail) };
}

function outcomeWords(outcome: AttemptOutcome, step: Step): Words {
  switch (outcome.type) {
    case "exited":
      // The exit code of a success: what failed it is something else.
      if (step.detail && !step.detail.startsWith("exit code")) return bare(step);
      return { tone: "bad", title: `Exit code ${outcome.exitCode}`, detail: exitHint(outcome.exitCode) };
    case "signaled":
      return { tone: "bad", title: `Killed by ${outcome.signal}`, detail: signalHint(outcome.signal) };
    case "stopped":
      return stoppedWords(outcome, step);
    case "answered":
      return {
        tone: "bad",
        title: `Answered with status ${outcome.status}`,
        detail: answerHint(step.detail),
      };
    case "unanswered":
      return step.state === "unknown"
        ? { tone: "odd", title: "No answer came", detail: sentence(step.detail) }
        : { tone: "bad", title: "No answer came", detail: sentence(outcome.detail) };
    case "refused":
      return { tone: "bad", title: "The agent refused to run it", detail: sentence(outcome.detail) };
    case "unknown":
      return { tone: "odd", title: "Nobody knows how this step ended", detail: sentence(outcome.detail) };
    default:
      return outcome satisfies never;
  }
}

function stoppedWords(outcome: AttemptOutcome & { type: "stopped" }, step: Step): Words {
  const after = step.durationMs === undefined ? "" : ` after ${formatDuration(step.durationMs)}`;
  const title = {
    canceled: "Canceled",
    timed_out: `Out of time${after}`,
    disconnected: "Stopped because the connection was lost",
    agent_stopped: "Stopped because its agent was shut down",
    over_limit: "Stopped because it took too much",
  }[outcome.reason];
  const tone = outcome.reason === "canceled" ? "neutral" : "bad";
  const why = outcome.detail ? `${sentence(outcome.detail)} ` : "";
  if (outcome.confirmed) return { tone, title, detail: `${why}All of its processes are gone.` };
  return {
    tone: "odd",
    title: `${title}, not confirmed`,
    detail: `${why}The agent could not say that all of its processes are gone. Look at the machine.`,
  };
}

/** What a step took of its host, in one line: `1.2s CPU, 84 MiB memory`. */
export function usageWords({ userMs, systemMs, peakMemoryBytes, estimated = [] }: StepUsage): string {
  const about = (what: "cpu" | "memory") => (estimated.includes(what) ? "about " : "");
  const cpu = `${about("cpu")}${formatDuration(userMs + systemMs)} CPU`;
  if (peakMemoryBytes === undefined) return cpu;
  return `${cpu}, ${about("memory")}${formatBytes(peakMemoryBytes)} memory`;
}

function exitHint(code: number): string | undefined {
  if (code === 126) return "The shell found the program but may not execute it.";
  if (code === 127) return "The shell did not find a program of that name.";
  return undefined;
}

/** What is wrong with an answer beside its status, which the title says. */
function answerHint(detail: string | undefined): string | undefined {
  return detail && /^status \d+$/.test(detail) ? undefined : sentence(detail);
}

function signalHint(signal: string): string | undefined {
  if (signal === "SIGKILL") {
    return "Something killed it outright. When memory is short, that is the kernel's doing: see dmesg on the machine.";
  }
  if (signal === "SIGSEGV" || signal === "SIGBUS")
    return "It touched memory that is not its own: a bug in the program.";
  return undefined;
}

/** How the execution ended, in one banner. Undefined while it goes on. */
export function endingWords(execution: Execution): Words | undefined {
  const { tone, label } = executionLook(execution.state);
  const cause = culpritOf(execution);
  switch (execution.state) {
    case "queued":
    case "running":
    case "waiting":
    case "paused":
      return undefined;
    case "succeeded":
      return { tone, ...succeeded(execution) };
    case "failed":
    case "timed_out": {
      const why = cause && stepWords(cause);
      if (!cause || !why) return { tone, title: label, detail: sentence(execution.detail) };
      return {
        tone: why.tone,
        title: `${label} at “${cause.title}”${why.title === label ? "" : `: ${lower(why.title)}`}`,
        detail: why.detail,
      };
    }
    case "canceled":
      if (execution.confirmed) return { tone, title: "Canceled", detail: sentence(execution.detail) };
      return {
        tone: "odd",
        title: "Canceled, not confirmed",
        detail:
          "The agent did not confirm in time that all processes are gone. Something may still run: look at the machine.",
      };
    default:
      return execution.state satisfies never;
  }
}

function succeeded({ steps, durationMs }: Execution): Omit<Words, "tone"> {
  const commands = steps.filter((step) => step.kind !== "instruction");
  const bad = commands.filter(endedBadly).length;
  const skipped = commands.filter(({ state }) => state === "skipped").length;
  const time = durationMs === undefined ? "" : ` in ${formatDuration(durationMs)}`;
  const of = (count: number) => `${count} of ${commands.length} steps`;
  const others = [
    bad > 0 ? `${of(bad)} did not succeed, as the runbook allows` : "",
    skipped > 0 ? `${of(skipped)} ${skipped === 1 ? "was" : "were"} skipped` : "",
  ].filter((words) => words !== "");
  if (others.length > 0) return { title: `Succeeded${time}`, detail: `${others.join("; ")}.` };
  return {
    title: commands.length === 1 ? `Succeeded${time}` : `All ${commands.length} steps succeeded${time}`,
  };
}

/**
 * Why nothing runs yet, and what would help.
 * @param ownPool of the runbook, where the place in the queue names none
 * @param step the title of the step that waits, where it is one
 */
export function queueWords(
  { reason, ahead, detail, poolName }: QueuePlace,
  ownPool: string,
  step?: string,
): Words & { toAgents: boolean } {
  const pool = `pool “${poolName ?? ownPool}”`;
  const it = step === undefined ? "It" : `“${step}”`;
  const told = detail === undefined ? "" : `${detail}. `;
  const place = ahead === 0 ? "Next in the queue" : `${ordinal(ahead + 1)} in the queue`;
  switch (reason) {
    case "no_agent_connected":
      return detail === undefined
        ? needsAgents(`No agent in ${pool} is connected`, `${it} starts as soon as one is.`)
        : needsAgents(
            "The only agent that will do is not connected",
            `${sentence(detail)} ${it} starts as soon as that one is.`,
          );
    case "no_agent_matches":
      return needsAgents(
        `No connected agent in ${pool} has the labels that are asked for`,
        `${told}${it} starts as soon as one with them is connected.`,
      );
    case "agents_drain":
      return needsAgents(
        `Every agent in ${pool} that could take it is draining`,
        `${told}${it} starts as soon as one takes work again.`,
      );
    case "agents_decline":
      return needsAgents(
        `Whichever agent in ${pool} is free declines`,
        `${detail ?? "Its log says why"}. It is offered again within minutes.`,
      );
    case "pool_full":
      return queued(place, `${capital(pool)} does as much at once as it may.`);
    case "organization_full":
      return queued(place, "The organization runs as many executions at once as it may.");
    case "all_busy":
      return queued(place, `All agents in ${pool} that could take it are busy.`);
    default:
      return reason satisfies never;
  }
}

function needsAgents(title: string, detail: string): Words & { toAgents: boolean } {
  return { tone: "warn", title, detail, toAgents: true };
}

function queued(title: string, detail: string): Words & { toAgents: boolean } {
  return { tone: "live", title, detail, toAgents: false };
}

/** A detail from a log line, with a capital and a full stop. */
function sentence(text: string | undefined): string | undefined {
  const trimmed = text?.trim();
  if (!trimmed) return undefined;
  // Where it begins with a name, such as that of a file, it stays what it is.
  const isWord = /^\p{L}+(?:[,:;.]?\s|$)/u.test(trimmed);
  const begun = isWord ? capital(trimmed) : trimmed;
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function lower(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}
