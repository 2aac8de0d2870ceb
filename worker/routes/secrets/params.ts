import { z } from "zod";
import { secretNameSchema } from "#protocol/secrets.ts";

export const secretParamsSchema = z.object({ name: secretNameSchema.describe("What it is called.") });
