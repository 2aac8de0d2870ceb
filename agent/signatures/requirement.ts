/** Whose signatures an agent asks for before it runs anything, and the keys that it knows by itself. */
import { z } from "zod";
import { publicKeySchema } from "#protocol/signatures/keys.ts";
import { keyObjectOf } from "./keyObject.ts";

const ROLES = ["author", "approver"] as const;
export type SignerRole = (typeof ROLES)[number];

const ASKED: Record<"none" | "author" | "approver" | "both", readonly SignerRole[]> = {
  none: [],
  author: ["author"],
  approver: ["approver"],
  both: ["author", "approver"],
};

export const signatureRequirementSchema = z
  .strictObject({
    by: z
      .enum(["none", "author", "approver", "both"])
      .default("none")
      .describe(
        "Whose signatures a step needs; both: the author's, and that of an approver who is somebody else.",
      ),
    keys: z
      .array(
        z.strictObject({
          /** Whose it is. Keys of one name are one person's. */
          name: z.string().min(1).max(100),
          roles: z.array(z.enum(ROLES)).min(1),
          publicKey: publicKeySchema,
        }),
      )
      .max(1_000)
      .default([])
      .describe("The public keys that count, with whose they are and for what they count."),
  })
  .superRefine(({ by, keys }, context) => {
    const report = (message: string) => context.addIssue({ code: "custom", path: ["keys"], message });
    for (const role of ASKED[by]) {
      if (!keys.some(({ roles }) => roles.includes(role))) {
        report(`by: ${by} needs a key with the role ${role}; without one nothing could ever run here`);
      }
    }
    const people = new Set(keys.map(({ name }) => name));
    if (by === "both" && people.size < 2) {
      report("by: both needs keys of two people: nobody approves what is his own");
    }
    const seen = new Set<string>();
    for (const { publicKey, name } of keys) {
      if (seen.has(publicKey)) report(`the key of "${name}" is there twice; name its roles in one place`);
      seen.add(publicKey);
      if (!isKey(publicKey)) report(`the key of "${name}" is no key`);
    }
  });

/** It may have the form of a key and be no point of its curve. */
function isKey(publicKey: string): boolean {
  try {
    keyObjectOf(publicKey);
    return true;
  } catch {
    return false;
  }
}

export type SignatureRequirement = z.infer<typeof signatureRequirementSchema>;

export const NO_SIGNATURES: SignatureRequirement = { by: "none", keys: [] };

export function isAsked({ by }: SignatureRequirement, role: SignerRole): boolean {
  return ASKED[by].includes(role);
}
