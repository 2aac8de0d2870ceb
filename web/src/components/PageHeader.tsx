import type { ReactNode } from "react";
import { useTitle } from "./useTitle.ts";

interface Props {
  title: string;
  /** Above the title: where this page belongs. */
  back?: ReactNode;
  description?: ReactNode;
  actions?: ReactNode;
}

export function PageHeader({ title, back, description, actions }: Props) {
  useTitle(title);
  return (
    <header className="mb-5 flex flex-wrap items-start justify-between gap-x-6 gap-y-3">
      <div className="min-w-40 flex-1">
        {back && <div className="mb-1 truncate text-[0.8125rem] text-muted">{back}</div>}
        <h1 className="text-lg leading-7 font-semibold tracking-tight text-balance wrap-anywhere">{title}</h1>
        {description && <div className="mt-0.5 max-w-prose text-muted wrap-anywhere">{description}</div>}
      </div>
      {actions && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
    </header>
  );
}
