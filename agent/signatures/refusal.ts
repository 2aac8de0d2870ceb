/** Why a step is not run, in a form that its execution shows. */
export interface Refusal {
  ok: false;
  code: "signature_required" | "signature_invalid" | "replayed" | "not_targeted" | "input_changed";
  detail: string;
}

/** What would have to be signed was not. */
export function required(detail: string): Refusal {
  return { ok: false, code: "signature_required", detail };
}

/** Something was signed, and it is not this. */
export function invalid(detail: string): Refusal {
  return { ok: false, code: "signature_invalid", detail };
}
