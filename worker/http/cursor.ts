import { base64url } from "jose";
import { z } from "zod";
import { INSTANT_MAX_MS } from "#protocol/limits.ts";
import { ApiError } from "../errors.ts";

/** Where the next page begins, as text that callers pass back unread. */
export function encodeCursor(position: Record<string, string | number>): string {
  return base64url.encode(JSON.stringify(position));
}

/** @throws ApiError `invalid_cursor` for anything that `encodeCursor` did not make for this list. */
export function decodeCursor<T extends z.ZodType>(
  schema: T,
  cursor: string | undefined,
): z.output<T> | undefined {
  if (cursor === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(new TextDecoder().decode(base64url.decode(cursor))));
  } catch {
    throw new ApiError(
      "invalid_cursor",
      "This cursor is not one of this list. Start again without a cursor, and pass on metadata.nextCursor as it is.",
    );
  }
}

/** Cuts one row more than was asked for into a page and the cursor of the next. */
export function pageOf<T>(
  rows: T[],
  limit: number,
  position: (last: T) => Record<string, string | number>,
): { items: T[]; nextCursor: string | undefined } {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, nextCursor: rows.length > limit && last ? encodeCursor(position(last)) : undefined };
}

/** Times in a cursor, ms since the epoch; within what a Date can hold. */
export const cursorTimeSchema = z.number().int().min(0).max(INSTANT_MAX_MS);

/** The cursor of lists that are in the order of their ids. */
export const idCursorSchema = z.strictObject({ id: z.string() });
