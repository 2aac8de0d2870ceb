import { wordsOf } from "../log.ts";
import type { Check, Finding, Patient, WayCheck } from "./check.ts";
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
const HOST_CHECKS: readonly Check[] = [stateCheck, diskCheck, identityCheck, policyCheck, secretsCheck];
const WAY_CHECKS: readonly WayCheck[] = [
  dnsCheck,
  proxyCheck,
  answerCheck,
  certificateCheck,
  clockCheck,
  versionCheck,
];

export type Diagnosis = (Finding & { name: string })[];

/** Looks at everything; a look that itself goes wrong is a finding too. */
export async function examine(patient: Patient): Promise<Diagnosis> {
  const diagnosis: Diagnosis = [];
  for (const { name, look } of looksAt(patient)) {
    try {
      diagnosis.push({ name, ...(await look()) });
    } catch (error) {
      const advice = "Report this if it stays.";
      diagnosis.push({ name, result: "fail", words: `could not be looked at: ${wordsOf(error)}`, advice });
    }
  }
  return diagnosis;
}

interface Look {
  name: string;
  look(): Promise<Finding> | Finding;
}

function looksAt(patient: Patient): Look[] {
  const { route } = patient;
  const of = ({ name, look }: Check): Look => ({ name, look: () => look(patient) });
  return [
    ...HOST_CHECKS.map(of),
    ...(route
      ? WAY_CHECKS.map(({ name, look }) => ({ name, look: () => look(route) }))
      : [{ name: "connection", look: () => passedOver(patient) }]),
    of(runningCheck),
  ];
}

/** One line for all that could not be looked at. */
function passedOver({ enrolled }: Patient): Finding {
  const names = WAY_CHECKS.map(({ name }) => name).join(", ");
  const why =
    enrolled === "unusable"
      ? "the identity says where the control plane is"
      : "nobody says where the control plane is";
  return { result: "skip", words: `no ${names}: ${why}; give it with --url` };
}
