import type { ReactNode } from "react";

/** A titled part of the column beside a page. */
export function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section aria-label={title}>
      <h2 className="mb-2 text-[0.8125rem] font-medium text-muted">{title}</h2>
      {children}
    </section>
  );
}
