/** Names that people and agents choose, and that others are shown. */
import { z } from "zod";

/** Control characters, ends of lines, halves of characters, and marks that turn the direction of what follows. */
const NOT_IN_NAMES = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;

const WORDS =
  "a name stands in one line, without control characters and marks that turn the direction of text; remove them";

/** Why a text is no name, whatever its length; undefined when it may be one. */
export function whyNoName(text: string): string | undefined {
  return NOT_IN_NAMES.test(text) ? WORDS : undefined;
}

/**
 * A name of 1 to `max` characters, without the spaces around it.
 * @param missing what is said where there is none
 */
export function nameSchema(max: number, missing?: string) {
  const length = z
    .string()
    .trim()
    .min(1, missing === undefined ? undefined : { error: missing });
  return length.max(max).refine((text) => whyNoName(text) === undefined, { error: WORDS });
}
