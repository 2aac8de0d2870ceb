import type { ReactNode } from "react";
import { Logo } from "../../components/Logo.tsx";
import { useTitle } from "../../components/useTitle.ts";

/** The page around logging in and signing up. */
export function AuthFrame({
  title,
  children,
  footer,
}: {
  title: string;
  children: ReactNode;
  footer: ReactNode;
}) {
  useTitle(title);
  return (
    <main className="grid min-h-dvh place-items-center px-4 py-10">
      <div className="w-full max-w-[22rem]">
        <div className="mb-7 flex flex-col items-center gap-3 text-center">
          <Logo className="size-10" />
          <h1 className="text-lg font-semibold tracking-tight">{title}</h1>
        </div>
        <div className="rounded-xl border border-line bg-surface p-5 shadow-raised sm:p-6">{children}</div>
        <p className="mt-5 text-center text-muted">{footer}</p>
      </div>
    </main>
  );
}
