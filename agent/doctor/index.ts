import { wordsOf } from "../log.ts";
import type { Check, Finding, Patient } from "./check.ts";
import {
  answerCheck,
  certificateCheck,
  clockCheck,
  dnsCheck,
  proxyCheck,
  versionCheck,
} from "./connection.ts";
import { diskCheck, identityCheck, policyCheck, runningCheck, secretsCheck, stateCheck } from "./host.ts";

/** Every check, in the order in which it is shown. */
const CHECKS: readonly Check[] = [
  stateCheck,
  diskCheck,
  identityCheck,
  policyCheck,
  secretsCheck,
  dnsCheck,
  proxyCheck,
  answerCheck,
  certificateCheck,
  clockCheck,
  versionCheck,
  runningCheck,
];

export type Diagnosis = (Finding & { name: string })[];

/** Looks at everything; a look that itself goes wrong is a finding too. */
export async function examine(patient: Patient): Promise<Diagnosis> {
  const diagnosis: Diagnosis = [];
  for (const { name, look } of CHECKS) {
    try {
      diagnosis.push({ name, ...(await look(patient)) });
    } catch (error) {
      const advice = "Report this if it stays.";
      diagnosis.push({ name, result: "fail", words: `could not be looked at: ${wordsOf(error)}`, advice });
    }
  }
  return diagnosis;
}
