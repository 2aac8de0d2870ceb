/**
 * The secrets whose values this agent has had in its hands since it started.
 * All of them are taken out of the output of every step: also what one step
 * wrote to a file and another prints, and also a value that was rotated while
 * steps run, old and new (fault 37).
 */
import { createHash } from "node:crypto";
import type { AttemptOutcome, StepValues } from "#protocol/data.ts";
import { formsOf } from "./forms.ts";
import { Matcher } from "./matcher.ts";
import { Redactor } from "./redactor.ts";

export class KnownSecrets {
  readonly matcher = new Matcher();
  /** Digests of what is known: values stay nowhere but in the matcher. */
  readonly #known = new Set<string>();

  /** @returns whether it was new */
  add(name: string, value: Uint8Array): boolean {
    const digest = createHash("sha256").update(value).digest("base64");
    if (this.#known.has(digest)) return false;
    this.#known.add(digest);
    this.matcher.add(formsOf(name, value));
    return true;
  }

  get isEmpty(): boolean {
    return this.#known.size === 0;
  }

  /** A text without secrets. */
  text(text: string): string {
    if (this.isEmpty) return text;
    const parts: Uint8Array[] = [];
    const redactor = new Redactor(this.matcher, (bytes) => parts.push(Buffer.from(bytes)));
    redactor.push(Buffer.from(text));
    redactor.end("complete");
    return Buffer.concat(parts).toString("utf8");
  }

  /** Values that a step hands on, without secrets, wherever in them they stand. */
  values(values: StepValues): StepValues {
    if (this.isEmpty) return values;
    return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, this.#value(value)]));
  }

  outcome(outcome: AttemptOutcome): AttemptOutcome {
    if (!("detail" in outcome) || outcome.detail === undefined) return outcome;
    return { ...outcome, detail: this.text(outcome.detail).slice(0, 2_000) };
  }

  #value(value: StepValues[string]): StepValues[string] {
    if (typeof value === "string") return this.text(value);
    if (typeof value === "number") {
      const text = this.text(String(value));
      return text === String(value) ? value : text;
    }
    if (Array.isArray(value)) return value.map((each) => this.#value(each));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [this.text(key), this.#value(each)]),
    );
  }
}
