import { Search } from "lucide-react";
import { useEffect, useRef } from "react";
import { Input } from "./Input.tsx";
import { Kbd } from "./Kbd.tsx";

interface Props {
  label: string;
  value: string;
  onChange(value: string): void;
}

/** Filters a list; `/` puts the cursor into it from anywhere on the page. */
export function SearchField({ label, value, onChange }: Props) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const focus = (event: KeyboardEvent) => {
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
      if (
        event.target instanceof HTMLElement &&
        event.target.closest("input, textarea, select, [contenteditable]")
      )
        return;
      event.preventDefault();
      field.current?.focus();
    };
    document.addEventListener("keydown", focus);
    return () => document.removeEventListener("keydown", focus);
  }, []);
  return (
    <div className="relative w-full sm:w-72">
      <Search
        className="pointer-events-none absolute top-1/2 left-2.5 size-4 -translate-y-1/2 text-faint"
        aria-hidden
      />
      <Input
        ref={field}
        type="search"
        aria-label={label}
        placeholder={label}
        value={value}
        className="pr-8 pl-8"
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") onChange("");
        }}
      />
      {value === "" && (
        <span className="absolute top-1/2 right-1.5 -translate-y-1/2 pointer-coarse:hidden" aria-hidden>
          <Kbd>/</Kbd>
        </span>
      )}
    </div>
  );
}
