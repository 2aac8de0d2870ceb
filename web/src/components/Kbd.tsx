import type { ReactNode } from "react";

export function Kbd({ children }: { children: ReactNode }) {
  return (
    <kbd className="inline-flex h-5 min-w-5 items-center justify-center rounded border border-line-strong bg-sunken px-1 font-sans text-[0.6875rem] text-muted">
      {children}
    </kbd>
  );
}

/** How saving by keyboard is written on this machine. */
export const SAVE_KEYS = /Mac|iPhone|iPad/.test(navigator.userAgent) ? "⌘S" : "Ctrl S";
