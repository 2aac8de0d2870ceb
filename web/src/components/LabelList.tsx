import { Badge } from "./Badge.tsx";

interface Props {
  /** Of the list. */
  name?: string;
  labels: Readonly<Record<string, string>>;
}

/** Labels of an agent, or that a token gives; nothing when there are none. */
export function LabelList({ name = "Labels", labels }: Props) {
  const entries = Object.entries(labels);
  if (entries.length === 0) return null;
  return (
    <ul aria-label={name} className="mt-1.5 flex flex-wrap gap-1">
      {entries.map(([key, value]) => (
        <li key={key} className="max-w-full">
          <Badge className="font-mono font-normal">
            <span className="truncate">
              {key}={value}
            </span>
          </Badge>
        </li>
      ))}
    </ul>
  );
}
