import { useMutation } from "@tanstack/react-query";
import type { ComponentProps } from "react";
import { toast } from "sonner";
import { messageOf } from "../api/errors.ts";
import { ConfirmDialog } from "./ConfirmDialog.tsx";

interface Props extends Omit<ComponentProps<typeof ConfirmDialog>, "busy" | "onConfirm"> {
  /** Does it, tells of it, and reads anew what it changes. */
  act(): Promise<unknown>;
  /** What is said when it did not work, e.g. "The key was not revoked". */
  failure: string;
}

/** Asks, does it, and closes; what went wrong is said. */
export function ConfirmedAction({ act, failure, ...dialog }: Props) {
  const doing = useMutation({
    mutationFn: act,
    onError: (error) => toast.error(failure, { description: messageOf(error) }),
    onSettled: () => dialog.onOpenChange(false),
  });
  return <ConfirmDialog {...dialog} busy={doing.isPending} onConfirm={() => doing.mutate()} />;
}
