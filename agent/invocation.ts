/** How this agent is called, to be shown in what people may type next. */
import { relative } from "node:path";

/** The words before a subcommand: `node farhand-agent.mjs`, as the person typed them or as they would work. */
export function invocation(
  [, script = ""]: readonly string[] = process.argv,
  node: string = process.argv0,
  folder: string = process.cwd(),
): string {
  // A file that was installed under its own name is a command already.
  if (!script.endsWith(".mjs")) return script.split("/").at(-1) || "farhand-agent";
  const near = relative(folder, script);
  return [node, near.startsWith("..") ? script : near].map(shellWord).join(" ");
}

/** A word that a shell takes for itself. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
