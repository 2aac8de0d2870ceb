import { CircleAlert } from "lucide-react";
import { type ReactNode, useId } from "react";

interface ControlProps {
  id: string;
  "aria-describedby": string | undefined;
  "aria-invalid": true | undefined;
}

interface Props {
  label: ReactNode;
  hint?: ReactNode;
  /** What is wrong with the answer, in words. */
  error?: string;
  optional?: boolean;
  /** Receives the attributes that tie the control to its label, hint and error. */
  children: (control: ControlProps) => ReactNode;
}

/** A labelled control with its hint and its error, tied together for screen readers. */
export function Field({ label, hint, error, optional, children }: Props) {
  const id = useId();
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
  return (
    <div className="flex flex-col gap-1.5">
      <label htmlFor={id} className="flex items-baseline justify-between gap-2 font-medium">
        <span className="min-w-0 wrap-anywhere">{label}</span>
        {optional && <span className="text-xs font-normal text-faint">optional</span>}
      </label>
      {children({ id, "aria-describedby": described || undefined, "aria-invalid": error ? true : undefined })}
      {hint && (
        <div id={`${id}-hint`} className="text-[0.8125rem] text-muted wrap-anywhere">
          {hint}
        </div>
      )}
      {error && (
        <div id={`${id}-error`} role="alert" className="flex gap-1.5 text-[0.8125rem] text-bad">
          <CircleAlert className="mt-0.5 size-4 shrink-0" aria-hidden />
          <span className="min-w-0 wrap-anywhere">{error}</span>
        </div>
      )}
    </div>
  );
}
