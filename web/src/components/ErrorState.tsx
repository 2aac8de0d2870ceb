import { CloudOff, TriangleAlert } from "lucide-react";
import { ApiError, messageOf } from "../api/errors.ts";
import { Button } from "./Button.tsx";
import { EmptyState } from "./EmptyState.tsx";

/** Something could not be read: what, why, and a button that tries again. */
export function ErrorState({ what, error, onRetry }: { what: string; error: unknown; onRetry(): void }) {
  const answered = error instanceof ApiError;
  return (
    <div role="alert">
      <EmptyState
        icon={answered ? <TriangleAlert /> : <CloudOff />}
        title={`${what} could not be loaded`}
        actions={<Button onClick={onRetry}>Try again</Button>}
      >
        {messageOf(error)}
        {answered && error.requestId && (
          <span className="mt-2 block font-mono text-xs text-faint">Request {error.requestId}</span>
        )}
      </EmptyState>
    </div>
  );
}
