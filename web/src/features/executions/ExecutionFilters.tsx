import { useEffect, useRef, useState } from "react";
import { executionStateSchema } from "#protocol/states.ts";
import type { ExecutionFilter } from "../../api/queries/executions.ts";
import { CheckField, Select } from "../../components/Input.tsx";
import { SearchField } from "../../components/SearchField.tsx";
import { TRIGGERS } from "./filter.ts";
import { executionLook } from "./states.ts";

interface Props {
  filter: ExecutionFilter;
  onChange(filter: ExecutionFilter): void;
}

/** Typing settles for this long before the list is asked. */
const SETTLE_MS = 250;

export function ExecutionFilters({ filter, onChange }: Props) {
  const with_ = <K extends keyof ExecutionFilter>(name: K, value: ExecutionFilter[K] | "" | undefined) => {
    const { [name]: _, ...rest } = filter;
    onChange(value ? { ...rest, [name]: value } : rest);
  };
  return (
    <search aria-label="Filter executions" className="mb-3 flex flex-wrap items-center gap-2">
      <TextFilter text={filter.text ?? ""} onChange={(text) => with_("text", text)} />
      <Select
        aria-label="State"
        className="w-36 max-sm:w-auto max-sm:min-w-0 max-sm:flex-[5]"
        value={filter.state ?? ""}
        onChange={(event) => with_("state", executionStateSchema.safeParse(event.target.value).data)}
      >
        <option value="">Any state</option>
        {executionStateSchema.options.map((option) => (
          <option key={option} value={option}>
            {executionLook(option).label}
          </option>
        ))}
      </Select>
      <Select
        aria-label="Trigger"
        className="w-44 max-sm:w-auto max-sm:min-w-0 max-sm:flex-[6]"
        value={filter.trigger ?? ""}
        onChange={(event) => {
          const trigger = event.target.value as keyof typeof TRIGGERS | "";
          with_("trigger", trigger);
        }}
      >
        <option value="">Any trigger</option>
        {Object.entries(TRIGGERS).map(([trigger, label]) => (
          <option key={trigger} value={trigger}>
            {label}
          </option>
        ))}
      </Select>
      <CheckField
        checked={filter.mine === "1"}
        onChange={(event) => with_("mine", event.target.checked ? "1" : undefined)}
      >
        Mine
      </CheckField>
    </search>
  );
}

function TextFilter({ text, onChange }: { text: string; onChange(text: string): void }) {
  const [typed, setTyped] = useState(text);
  // The newest one: the other filters may have changed by the time that typing has settled.
  const change = useRef(onChange);
  useEffect(() => {
    change.current = onChange;
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: what was typed counts, whatever changed beside it
  useEffect(() => {
    if (typed.trim() === text) return;
    const timer = setTimeout(() => change.current(typed.trim()), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  // Cleared from elsewhere, such as by "Show all".
  useEffect(() => {
    if (!text) setTyped("");
  }, [text]);
  return <SearchField label="Search executions" value={typed} onChange={setTyped} />;
}
