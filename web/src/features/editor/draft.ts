/** Unsaved text survives a reload, a crash of the tab and a session that ended: it is kept on this device until it is saved. */
import { z } from "zod";

const draftSchema = z.object({
  source: z.string(),
  /** The version it was begun from; 0 for a new runbook. */
  base: z.number().int(),
});
export type Draft = z.infer<typeof draftSchema>;

const key = (id: string) => `farhand.draft.${id}`;

export function readDraft(id: string): Draft | undefined {
  try {
    return draftSchema.safeParse(JSON.parse(sessionStorage.getItem(key(id)) ?? "null")).data;
  } catch {
    return undefined;
  }
}

export function writeDraft(id: string, draft: Draft): void {
  try {
    sessionStorage.setItem(key(id), JSON.stringify(draft));
  } catch {
    // Full or forbidden: the guard against leaving unsaved still stands.
  }
}

export function dropDraft(id: string): void {
  try {
    sessionStorage.removeItem(key(id));
  } catch {
    // Nothing was kept then.
  }
}
