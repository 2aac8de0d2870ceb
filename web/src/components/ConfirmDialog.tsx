import { AlertDialog } from "radix-ui";
import type { ReactNode } from "react";
import { Button } from "./Button.tsx";

interface Props {
  open: boolean;
  onOpenChange(open: boolean): void;
  title: string;
  /** What will happen, and what cannot be taken back. */
  children: ReactNode;
  /** The verb on the button, e.g. "Cancel execution". */
  action: string;
  /** The way out; never "Cancel" where the action itself cancels something. */
  dismiss?: string;
  busy?: boolean;
  onConfirm(): void;
}

/** Asks before something that cannot be undone. The safe answer has the focus. */
export function ConfirmDialog({
  open,
  onOpenChange,
  title,
  children,
  action,
  dismiss = "Keep it",
  busy,
  onConfirm,
}: Props) {
  return (
    <AlertDialog.Root open={open} onOpenChange={onOpenChange}>
      <AlertDialog.Portal>
        <AlertDialog.Overlay className="fixed inset-0 z-40 animate-fade bg-(--overlay)" />
        <AlertDialog.Content className="fixed z-50 bg-surface shadow-floating max-sm:inset-x-0 max-sm:bottom-0 max-sm:animate-slide-up max-sm:rounded-t-xl max-sm:pb-[env(safe-area-inset-bottom)] sm:left-1/2 sm:top-[18vh] sm:w-[calc(100%-3rem)] sm:max-w-md sm:-translate-x-1/2 sm:animate-fade sm:rounded-xl">
          <div className="px-5 pt-5 pb-4">
            <AlertDialog.Title className="text-base font-semibold wrap-anywhere">{title}</AlertDialog.Title>
            <AlertDialog.Description asChild>
              <div className="mt-2 flex flex-col gap-2 text-muted wrap-anywhere">{children}</div>
            </AlertDialog.Description>
          </div>
          <div className="flex justify-end gap-2 border-t border-line px-5 py-3">
            <AlertDialog.Cancel asChild>
              <Button>{dismiss}</Button>
            </AlertDialog.Cancel>
            <Button variant="danger" busy={busy} onClick={onConfirm}>
              {action}
            </Button>
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
