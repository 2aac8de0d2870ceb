import type { ReactNode } from "react";

/** Boxes of which some are checked, under one heading. */
export function CheckGroup({
  legend,
  error,
  children,
}: {
  legend: string;
  /** What is wrong with the answer, in words. */
  error: string | undefined;
  children: ReactNode;
}) {
  return (
    <fieldset className="flex flex-col gap-0.5">
      <legend className="mb-1.5 font-medium">{legend}</legend>
      {children}
      {error && (
        <p role="alert" className="text-[0.8125rem] text-bad">
          {error}
        </p>
      )}
    </fieldset>
  );
}
