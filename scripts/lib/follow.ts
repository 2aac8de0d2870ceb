/** Shows an execution in the terminal while it runs. */
import { z } from "zod";
import { executionEventSchema } from "#protocol/events.ts";
import type { TerminalExecutionState } from "#protocol/states.ts";
import type { Client } from "./client.ts";
import { Problem } from "./problem.ts";
import type { ServerSentEvent } from "./serverSentEvents.ts";
import { elapsed, paint, say } from "./terminal.ts";

const outputSchema = z.object({
  step: z.string(),
  stream: z.enum(["stdout", "stderr"]),
  text: z.string().optional(),
  base64: z.string().optional(),
});
const eventSchema = z.intersection(z.object({ time: z.string() }), z.record(z.string(), z.unknown()));

const originSchema = z.object({ executionId: z.string() });

/** Starts a run of a runbook and shows it to its end. `titles` maps step ids to what people call them. */
export async function runAndFollow(
  client: Client,
  runbookId: string,
  titles: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<{ executionId: string; state: TerminalExecutionState }> {
  const screen = new Screen(titles);
  let executionId = "";
  for await (const message of client.events("POST", `/runbooks/${runbookId}/executions`, {
    body: {},
    signal,
  })) {
    if (message.event === "execution.created") {
      executionId = originSchema.parse(JSON.parse(message.data)).executionId;
    }
    const state = show(screen, message);
    if (state) return { executionId, state };
  }
  throw new Problem("The stream of the execution broke off before its end.");
}

function show(screen: Screen, message: ServerSentEvent): TerminalExecutionState | undefined {
  if (message.event === "output") {
    const { text, base64 = "" } = outputSchema.parse(JSON.parse(message.data));
    screen.output(text ?? Buffer.from(base64, "base64").toString("latin1"));
    return undefined;
  }
  const { time: _, ...fields } = eventSchema.parse(JSON.parse(message.data));
  const parsed = executionEventSchema.safeParse(fields);
  if (!parsed.success) return undefined;
  const event = parsed.data;
  if (event.type === "lease.queued")
    screen.note(`waiting for an agent (${event.detail ?? event.reason.replaceAll("_", " ")})`);
  if (event.type === "step.started") screen.begin(event.step);
  // Blocks that only tell a person something have no title and nothing to show.
  if (event.type === "step.finished" && screen.knows(event.step))
    screen.end(event.step, event.state, event.durationMs, event.detail);
  return event.type === "execution.finished" ? event.state : undefined;
}

/** Lines of output behind a bar, steps above and below them. */
class Screen {
  readonly #titles: ReadonlyMap<string, string>;
  #atLineStart = true;

  constructor(titles: ReadonlyMap<string, string>) {
    this.#titles = titles;
  }

  knows(step: string): boolean {
    return this.#titles.has(step);
  }

  begin(step: string): void {
    say(`\n  ${paint("bold", this.#titles.get(step) ?? step)}`);
  }

  output(text: string): void {
    const bar = `  ${paint("dim", "│")} `;
    const lines = text.split("\n");
    const last = lines.pop() ?? "";
    const whole = lines.map((line) => `${this.#prefix(bar)}${line}\n`).join("");
    process.stdout.write(whole + (last === "" ? "" : this.#prefix(bar) + last));
    this.#atLineStart = last === "";
  }

  end(step: string, state: string, durationMs = 0, detail?: string): void {
    if (!this.#atLineStart) say();
    this.#atLineStart = true;
    const mark = state === "succeeded" ? paint("green", "✓") : paint("red", "✗");
    const words = [state === "succeeded" ? undefined : state, detail, elapsed(durationMs)].filter(Boolean);
    say(`  ${mark} ${step} ${paint("dim", words.join(", "))}`);
  }

  note(text: string): void {
    say(`  ${paint("dim", text)}`);
  }

  /** The bar where a line begins, nothing inside one. */
  #prefix(bar: string): string {
    const prefix = this.#atLineStart ? bar : "";
    this.#atLineStart = true;
    return prefix;
  }
}
