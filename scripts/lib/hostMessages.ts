/** What the control plane's own process and whoever started it say to each other. */
import { z } from "zod";

export const hostOptionsSchema = z.object({
  dataDir: z.string(),
  /** Where the worker's bundle is, as `index.js`. */
  workerDir: z.string(),
  port: z.number().int().min(1).max(65_535),
  publicUrl: z.string(),
  authSecret: z.string(),
  /** Settings of the worker beyond the required ones, as it reads them from its environment. */
  settings: z.record(z.string(), z.string()),
  logFile: z.string(),
  /** A folder with releases of the agent, as they are to lie in the bucket; none when absent. */
  releases: z.string().optional(),
});

export const hostOrderSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("start"), options: hostOptionsSchema }),
  /** Load the bundle again, with everything stored kept. */
  z.object({ type: z.literal("reload") }),
  /** Take over what the folder of releases holds now. */
  z.object({ type: z.literal("publish") }),
  /** Should whoever started us die without a word, this process is asked to stop too. */
  z.object({ type: z.literal("guard"), pid: z.number().int().positive() }),
  z.object({ type: z.literal("stop") }),
]);

export const hostReportSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("ready"), migrated: z.array(z.string()) }),
  z.object({ type: z.literal("reloaded") }),
  z.object({ type: z.literal("published") }),
  z.object({ type: z.literal("failed"), reason: z.enum(["newer_data", "other"]), message: z.string() }),
]);

export type HostOptions = z.infer<typeof hostOptionsSchema>;
export type HostOrder = z.infer<typeof hostOrderSchema>;
export type HostReport = z.infer<typeof hostReportSchema>;
