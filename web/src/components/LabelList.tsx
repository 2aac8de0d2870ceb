import { Badge } from "./Badge.tsx";

/** Labels of an agent, or that a token gives; nothing when there are none. */
export function LabelList({ labels }: { labels: Readonly<Record<string, string>> }) {
  const entries = Object.entries(labels);
  if (entries.length === 0) return null;
  return (
    <ul aria-label="Labels" className="mt-1.5 flex flex-wrap gap-1">
      {entries.map(([name, value]) => (
        <li key={name} className="max-w-full">
          <Badge className="font-mono font-normal">
            <span className="truncate">
              {name}={value}
            </span>
          </Badge>
        </li>
      ))}
    </ul>
  );
}
