export type ReadLabels = { ok: true; labels: Record<string, string> } | { ok: false; problem: string };

/** Labels as people type them: `role=web region=eu`, with spaces or commas between them. */
export function readLabels(text: string): ReadLabels {
  const labels: Record<string, string> = {};
  for (const word of text.split(/[\s,]+/).filter(Boolean)) {
    const [, key = "", value = ""] = /^([^=]{1,63})=(.{0,255})$/.exec(word) ?? [];
    if (key === "") return { ok: false, problem: `"${word}" is not a label like region=eu.` };
    labels[key] = value;
  }
  return { ok: true, labels };
}
