/**
 * What may be asked of an OutboundBreakers, whose name is the organization's
 * id. A host is what a URL says, its port with it.
 */
export type Admission =
  /** `probe`: whether requests to the host go on hangs on this one; hand it back with the report. */
  | { allowed: true; probe: boolean }
  /** The host did not answer lately. Ms since the epoch. */
  | { allowed: false; retryAt: number };

export interface BreakersApi {
  allow(host: string): Promise<Admission>;
  /** @param ok the host answered, and not with an error of its own */
  report(host: string, ok: boolean, probe: boolean): Promise<void>;
}
