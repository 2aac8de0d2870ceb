import { ChevronDown, ChevronUp, X } from "lucide-react";
import { formatCount } from "../../components/format.ts";
import { IconButton } from "../../components/IconButton.tsx";
import { Input } from "../../components/Input.tsx";
import type { LogSearch } from "./useLogSearch.ts";

export function LogSearchBar({ search, onClose }: { search: LogSearch; onClose(): void }) {
  return (
    <search className="flex items-center gap-1 border-b border-line bg-surface px-3 py-1.5">
      <Input
        type="search"
        aria-label="Find in the output"
        placeholder="Find in the output"
        className="min-w-0 flex-1 sm:w-80 sm:flex-none"
        value={search.query}
        autoFocus
        onChange={(event) => search.setQuery(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") search.step(event.shiftKey ? -1 : 1);
          if (event.key === "Escape") onClose();
        }}
      />
      <IconButton size="iconSm" label="Previous" icon={<ChevronUp />} onClick={() => search.step(-1)} />
      <IconButton size="iconSm" label="Next" icon={<ChevronDown />} onClick={() => search.step(1)} />
      <span role="status" className="shrink-0 px-1 sm:flex-1 text-[0.8125rem] text-muted tabular-nums">
        {summary(search)}
      </span>
      <IconButton size="iconSm" label="Close the search" icon={<X />} onClick={onClose} />
    </search>
  );
}

function summary({ query, searching, lines, current, more, partial }: LogSearch): string {
  if (query === "") return "";
  if (searching) return "Searching…";
  const where = partial ? " in what is loaded" : "";
  if (lines.length === 0) return `Not found${where}`;
  return `${formatCount((current ?? 0) + 1)} of ${formatCount(lines.length)}${more ? "+" : ""} lines${where}`;
}
