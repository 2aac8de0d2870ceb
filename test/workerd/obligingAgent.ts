/** A scripted agent that takes whatever is offered and ends each step as the test says. */
import { Attempt, acceptOffer, connectAgent, type Line, openData, type Place } from "./scriptedAgent.ts";

/** How a step ends; undefined leaves it running. */
export type Ending = { exitCode?: number; text?: string; values?: Record<string, string> } | undefined;

export interface ObligingAgent {
  /** The steps it was given, in order. */
  readonly ran: string[];
  control: Line;
}

export async function obligingAgent(
  place: Place,
  endingOf: (step: string) => Ending = () => ({}),
): Promise<ObligingAgent> {
  const control = await connectAgent(place, { slots: 100 });
  const ran: string[] = [];
  const serve = async (n: number): Promise<void> => {
    const { lease, firstStep } = await acceptOffer(control, n);
    const data = await openData(place, lease.executionId);
    const first = new Attempt(firstStep.step, lease.fence);
    data.send(first.hello(lease));
    await data.next("welcome");
    runStep(data, first);
    const ended = { type: "lease.ended", leaseId: lease.id, fence: lease.fence };
    void data.next("lease.release").then(() => control.send(ended));
    for (let i = 1; ; i++) {
      const start = await data.next("step.start", i);
      const step = String(start.step);
      if (step !== firstStep.step) runStep(data, new Attempt(step, lease.fence));
    }
  };
  const runStep = (data: Line, attempt: Attempt): void => {
    ran.push(attempt.step);
    data.send(attempt.started());
    const ending = endingOf(attempt.step);
    if (!ending) return;
    if (ending.text) data.send(attempt.chunk(ending.text));
    const outcome = { type: "exited", exitCode: ending.exitCode ?? 0 } as const;
    data.send({ ...attempt.finished(outcome), ...(ending.values && { values: ending.values }) });
  };
  void (async () => {
    for (let n = 1; ; n++) {
      await control.next("lease.offer", n);
      void serve(n);
    }
  })();
  return { ran, control };
}
