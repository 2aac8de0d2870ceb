/** What a waiting step asks of people, read off its block. Pure. */
import type { Step } from "#protocol/api/executions.ts";
import type { Block } from "#protocol/blocks/index.ts";
import type { Parameter } from "#protocol/runbook/parameters.ts";

export type Verb = "acknowledge" | "approve" | "reject" | "confirm" | "skip";

export interface Question {
  /** What is asked, in Markdown. */
  markdown?: string;
  title: string;
  form: readonly Parameter[];
  noteRequired: boolean;
  /** The button that says yes, and the one that says no. */
  yes: { verb: Verb; label: string };
  no?: { verb: Verb; label: string };
}

/** Undefined when the step waits for something that no person can give. */
export function questionOf(block: Block, wait: NonNullable<Step["wait"]>): Question | undefined {
  switch (wait.for) {
    case "acknowledgement":
      return {
        title: "Waiting for somebody to say that this is done",
        form: block.kind === "instruction" ? (block.form ?? []) : [],
        noteRequired: block.kind === "instruction" && block.noteRequired === true,
        yes: { verb: "acknowledge", label: "Done" },
      };
    case "approval":
      return {
        title: approvalTitle(block.kind === "approval" ? (block.required ?? 1) : 1),
        ...(block.kind === "approval" && block.markdown !== undefined && { markdown: block.markdown }),
        form: block.kind === "approval" ? (block.form ?? []) : [],
        noteRequired: false,
        yes: { verb: "approve", label: "Approve" },
        no: { verb: "reject", label: "Reject" },
      };
    case "confirmation":
      return {
        title: wait.question,
        form: [],
        noteRequired: false,
        yes: { verb: "confirm", label: "Go on" },
        no: { verb: "reject", label: "Do not" },
      };
    case "time":
    case "retry":
    case "agent":
    case "targets":
    case "locks":
    case "resume":
    case "batch":
      return undefined;
    default:
      return wait satisfies never;
  }
}

function approvalTitle(required: number): string {
  return required === 1 ? "Waiting for an approval" : `Waiting for ${required} approvals`;
}

/** What is waited for, when nobody is asked. */
export function waitWords(wait: NonNullable<Step["wait"]>): string {
  const words: Record<typeof wait.for, string> = {
    acknowledgement: "Waiting for a person",
    approval: "Waiting for an approval",
    confirmation: "Waiting for a go",
    time: "Waiting for the time",
    retry: "It failed and is tried again",
    agent: "Waiting for an agent",
    targets: "Waiting for agents that match its target",
    locks: "Waiting for its locks",
    resume: "The execution is paused",
    batch: "The next agents follow after a pause",
  };
  return words[wait.for];
}
