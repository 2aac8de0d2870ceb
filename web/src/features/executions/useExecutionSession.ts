import { useEffect, useState, useSyncExternalStore } from "react";
import type { Execution } from "#protocol/api/executions.ts";
import { readOutput, streamPath } from "../../api/queries/executions.ts";
import { ExecutionSession, type SessionSnapshot } from "../../live/executionSession.ts";
import { LiveSocket } from "../../live/liveSocket.ts";
import { perFrame } from "../../live/notifier.ts";

/** Follows an execution from the state that was read; the stream lives as long as the page does. */
export function useExecutionSession(execution: Execution): {
  session: ExecutionSession;
  live: SessionSnapshot;
} {
  const [session] = useState(
    () =>
      new ExecutionSession(execution, {
        connect: (handlers) => new LiveSocket(streamPath(execution.id), handlers),
        readRange: (step, line, bytes, signal) => readOutput(execution.id, step, line, bytes, signal),
        schedule: perFrame,
      }),
  );
  useEffect(() => session.open(), [session]);
  const live = useSyncExternalStore(session.subscribe, session.getSnapshot);
  return { session, live };
}
