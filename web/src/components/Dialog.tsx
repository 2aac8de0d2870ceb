import { X } from "lucide-react";
import { Dialog as Radix } from "radix-ui";
import type { ReactNode } from "react";
import { classes } from "./classes.ts";
import { IconButton } from "./IconButton.tsx";

/** The first field, where typing is at hand; else the dialog itself, never its close button. */
function focusContent(event: Event): void {
  event.preventDefault();
  const content = event.currentTarget as HTMLElement;
  const typing = matchMedia("(pointer: fine)").matches;
  const field = typing && content.querySelector<HTMLElement>("input, select, textarea");
  (field || content).focus();
}

interface Props {
  open: boolean;
  onOpenChange(open: boolean): void;
  title: ReactNode;
  description?: ReactNode;
  children?: ReactNode;
  /** The row of buttons at the bottom. */
  actions?: ReactNode;
  wide?: boolean;
  /** Gets the focus when it closes; what opened it when absent. */
  focusAfter?: (() => void) | undefined;
}

/** A modal: centred on a desk, a sheet from the bottom on a phone. */
export function Dialog({
  open,
  onOpenChange,
  title,
  description,
  children,
  actions,
  wide,
  focusAfter,
}: Props) {
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-40 animate-fade bg-(--overlay)" />
        <Radix.Content
          {...(description ? {} : { "aria-describedby": undefined })}
          onOpenAutoFocus={focusContent}
          onCloseAutoFocus={(event) => {
            if (!focusAfter) return;
            event.preventDefault();
            focusAfter();
          }}
          className={classes(
            "fixed z-50 flex max-h-[88dvh] flex-col bg-surface shadow-floating outline-none",
            "max-sm:inset-x-0 max-sm:bottom-0 max-sm:animate-slide-up max-sm:rounded-t-xl max-sm:pb-[env(safe-area-inset-bottom)]",
            "sm:left-1/2 sm:top-[12vh] sm:w-[calc(100%-3rem)] sm:-translate-x-1/2 sm:animate-fade sm:rounded-xl sm:max-h-[78vh]",
            wide ? "sm:max-w-2xl" : "sm:max-w-md",
          )}
        >
          <div className="flex items-start gap-3 px-5 pt-4">
            <div className="min-w-0 flex-1 pt-1">
              <Radix.Title className="text-base font-semibold wrap-anywhere">{title}</Radix.Title>
              {description && (
                <Radix.Description className="mt-1 text-muted wrap-anywhere">{description}</Radix.Description>
              )}
            </div>
            <Radix.Close asChild>
              <IconButton label="Close" icon={<X />} size="iconSm" className="-mr-1.5" />
            </Radix.Close>
          </div>
          <div className="min-h-0 overflow-y-auto px-5 py-4">{children}</div>
          {actions && (
            <div className="flex flex-wrap justify-end gap-2 border-t border-line px-5 py-3">{actions}</div>
          )}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
