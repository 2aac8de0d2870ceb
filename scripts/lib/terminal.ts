/** What the commands say: with colour and motion on a terminal, plain lines elsewhere. */
import { styleText } from "node:util";

type Style = Parameters<typeof styleText>[0];

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

export function paint(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

export function say(text = ""): void {
  process.stdout.write(`${text}\n`);
}

/** Milliseconds as a person says them. */
export function elapsed(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`;
}

/**
 * Shows that `work` is going on, then that it is done and how long it took.
 * `detail` may add a few words from its result.
 * @throws what the work throws, after marking the line
 */
export async function during<T>(
  label: string,
  work: () => Promise<T>,
  detail: (result: T) => string | undefined = () => undefined,
): Promise<T> {
  const started = performance.now();
  const stop = spin(label);
  try {
    const result = await work();
    stop();
    const words = [detail(result), elapsed(performance.now() - started)].filter(Boolean).join(", ");
    say(`${paint("green", "✓")} ${label} ${paint("dim", words)}`);
    return result;
  } catch (error) {
    stop();
    say(`${paint("red", "✗")} ${label}`);
    throw error;
  }
}

function spin(label: string): () => void {
  if (!process.stdout.isTTY) return () => undefined;
  let frame = 0;
  const draw = () => {
    frame = (frame + 1) % FRAMES.length;
    process.stdout.write(`\r${paint("cyan", FRAMES[frame] ?? "")} ${label}\x1b[K`);
  };
  draw();
  const timer = setInterval(draw, 80);
  return () => {
    clearInterval(timer);
    process.stdout.write("\r\x1b[K");
  };
}
