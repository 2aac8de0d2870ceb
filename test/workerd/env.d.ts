import type { D1Migration } from "cloudflare:test";
import type { Env as FarhandEnv } from "../../worker/env.ts";

declare global {
  namespace Cloudflare {
    interface Env extends FarhandEnv {}
    interface GlobalProps {
      mainModule: typeof import("../../worker/index.ts");
    }
  }
}

declare module "vitest" {
  interface ProvidedContext {
    migrations: D1Migration[];
  }
}
