/**
 * One execution as it happens: the page's only source for its state and its
 * output. Begins from an execution that was read, follows the stream from
 * there, and holds a log per attempt. Knows nothing of React.
 */
import type { Execution, Step } from "#protocol/api/executions.ts";
import type { RecordedEvent } from "#protocol/events.ts";
import { isExecutionTerminal, isStepTerminal } from "#protocol/states.ts";
import type { ConnectionStatus } from "./liveSocket.ts";
import { LogStore } from "./logStore.ts";
import { Notifier, type Schedule } from "./notifier.ts";
import { RangeLoader } from "./rangeLoader.ts";
import { type Connect, type OutputFrame, ViewerStream, type ViewMessage } from "./viewerStream.ts";

export interface SessionSnapshot {
  readonly execution: Execution;
  readonly connection: ConnectionStatus | "ended";
}

/** The log of one attempt and what reads its missing parts. */
export interface StepLog {
  readonly attempt: number;
  readonly store: LogStore;
  readonly loader: RangeLoader;
}

export interface SessionDependencies {
  connect: Connect;
  readRange(step: string, line: number, bytes: number, signal: AbortSignal): Promise<Uint8Array>;
  schedule: Schedule;
}

export class ExecutionSession {
  private readonly notifier: Notifier;
  private readonly dependencies: SessionDependencies;
  private readonly logs = new Map<string, StepLog>();
  private snapshot: SessionSnapshot;
  private stream: ViewerStream | undefined;
  /** How far the log was seen, output included: where a stream opened again goes on. */
  private seen: number;

  constructor(execution: Execution, dependencies: SessionDependencies) {
    this.dependencies = dependencies;
    this.notifier = new Notifier(dependencies.schedule);
    this.seen = execution.head;
    const over = isExecutionTerminal(execution.state);
    this.snapshot = {
      execution,
      connection: over ? "ended" : "connecting",
    };
  }

  /** Opens the stream; the returned function closes it, and it may be opened again. */
  open(): () => void {
    if (this.snapshot.connection !== "ended") {
      this.stream = new ViewerStream(this.seen, this.dependencies.connect, {
        onEvent: (event) => this.onEvent(event),
        onView: (view) => this.onView(view),
        onOutput: (frame) => this.onOutput(frame),
        onStatus: (connection) => this.change({ connection }),
      });
    }
    return () => {
      this.stream?.close();
      this.stream = undefined;
    };
  }

  subscribe = (listener: () => void): (() => void) => this.notifier.subscribe(listener);

  getSnapshot = (): SessionSnapshot => this.snapshot;

  /** The log of a step's newest attempt. */
  log(stepId: string): StepLog {
    const step = this.snapshot.execution.steps.find((each) => each.id === stepId);
    const attempt = Math.max(1, step?.attempt ?? 1);
    const known = this.logs.get(stepId);
    if (known && known.attempt >= attempt) return known;
    return this.begin(stepId, attempt, step);
  }

  private begin(stepId: string, attempt: number, step: Step | undefined): StepLog {
    this.logs.get(stepId)?.loader.close();
    const { schedule, readRange } = this.dependencies;
    const store = new LogStore(schedule);
    const loader = new RangeLoader(
      store,
      attempt,
      (line, bytes, signal) => readRange(stepId, line, bytes, signal),
      schedule,
    );
    if (step && step.attempt === attempt) {
      store.setExtent(step.output.bytes, step.output.lines);
      if (isStepTerminal(step.state)) store.end();
    }
    const log = { attempt, store, loader };
    this.logs.set(stepId, log);
    return log;
  }

  private onEvent(recorded: RecordedEvent): void {
    const { event, seq } = recorded;
    this.seen = seq;
    if (event.type === "step.finished") this.logs.get(event.step)?.store.end();
  }

  /** The execution as the server has it now: it replaces what was known, so nothing can drift. */
  private onView({ execution: progress, steps: changed }: ViewMessage): void {
    const { execution } = this.snapshot;
    if (progress.head < execution.head) return;
    this.change({ execution: { ...execution, ...progress, steps: merged(execution.steps, changed) } });
  }

  private onOutput({ seq, position, line, chunk }: OutputFrame): void {
    this.seen = seq;
    const known = this.logs.get(chunk.step);
    const step = this.snapshot.execution.steps.find((each) => each.id === chunk.step);
    const log = known && known.attempt >= chunk.attempt ? known : this.begin(chunk.step, chunk.attempt, step);
    if (log.attempt !== chunk.attempt) return;
    log.store.add({ position, line, stream: chunk.stream, payload: chunk.payload });
  }

  private change(part: Partial<SessionSnapshot>): void {
    this.snapshot = { ...this.snapshot, ...part };
    this.notifier.notify();
  }
}

/** Steps that are known are replaced in their place; new ones follow, as the server lists them. */
function merged(known: readonly Step[], changed: readonly Step[]): Step[] {
  if (changed.length === 0) return [...known];
  const news = new Map(changed.map((step) => [step.id, step]));
  const steps = known.map((step) => news.get(step.id) ?? step);
  const ids = new Set(known.map(({ id }) => id));
  return [...steps, ...changed.filter(({ id }) => !ids.has(id))];
}
