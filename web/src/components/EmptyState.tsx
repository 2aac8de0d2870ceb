import type { ReactNode } from "react";

interface Props {
  icon: ReactNode;
  title: string;
  children?: ReactNode;
  actions?: ReactNode;
  /** It is all there is on the page, so its title is the page's. */
  page?: boolean;
}

/** Nothing is here yet: why that is, and what to do about it. */
export function EmptyState({ icon, title, children, actions, page }: Props) {
  const Heading = page ? "h1" : "h2";
  return (
    <div className="flex flex-col items-center px-6 py-14 text-center">
      <div className="mb-4 grid size-11 place-items-center rounded-xl border border-line bg-surface text-muted shadow-raised [&_svg]:size-5">
        {icon}
      </div>
      <Heading className="text-[0.9375rem] font-semibold">{title}</Heading>
      {children && <div className="mt-1.5 max-w-md text-muted text-pretty">{children}</div>}
      {actions && <div className="mt-5 flex flex-wrap justify-center gap-2">{actions}</div>}
    </div>
  );
}
