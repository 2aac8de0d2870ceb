/** What a running agent's process is told from outside, by signals, or by Node. */
import { closeSync, openSync } from "node:fs";
import { EXIT } from "./failure.ts";
import { type Log, wordsOf } from "./log.ts";

/**
 * A defect must not take the steps of other executions with it in silence: the journal is true, so
 * dying and being restarted is safe, and going on in an unknown state is not.
 */
export function endAtDefects(log: Log): void {
  process.on("uncaughtException", (error) => {
    log.error("defect in the agent; stopping so that it can be restarted", { reason: wordsOf(error) });
    process.exit(EXIT.failed);
  });
}

/** What Node warns of becomes lines of the log. That a feature of it is experimental is known. */
export function logWarnings(log: Log): void {
  process.removeAllListeners("warning");
  process.on("warning", ({ name, message }) => {
    if (name !== "ExperimentalWarning") log.warn("a warning of Node", { reason: message });
  });
}

/** SIGHUP asks to read again; one that comes because the terminal is gone ends the agent as SIGTERM does. */
export function onHangUp(readAgain: () => void): void {
  const hadTerminal = process.stderr.isTTY;
  process.on("SIGHUP", () => {
    if (hadTerminal && !hasTerminal()) process.kill(process.pid, "SIGTERM");
    else readAgain();
  });
}

function hasTerminal(): boolean {
  try {
    closeSync(openSync("/dev/tty", "r"));
    return true;
  } catch {
    return false;
  }
}

/** Resolves at the first SIGTERM or SIGINT; calls `again` at the next. */
export function firstSignal(again: () => void): Promise<void> {
  return new Promise((resolve) => {
    let seen = false;
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.on(signal, () => {
        if (seen) again();
        seen = true;
        resolve();
      });
    }
  });
}
