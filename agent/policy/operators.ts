/** Shell operators that a policy may refuse, and where a script has them. Pure. */
export const OPERATORS = [";", "&&", "||", "|", "&", "`", "$()", "<()", ">", ">>", "<", "<<"] as const;
export type Operator = (typeof OPERATORS)[number];

/** The longest first, so that `||` is not two of `|`, nor `2>&1` a `&`. */
const WRITTEN = /\|\||&&|\$\(|[<>]\(|<<|(?:>>|&>>)&?|[<>]&|&>|[;|&`<>]/g;

const MEANT: Readonly<Record<string, Operator>> = {
  ...{ "$(": "$()", "<(": "<()", ">(": "<()", "&>>": ">>", ">>&": ">>", "&>": ">", ">&": ">", "<&": "<" },
};

/**
 * The operators in a script, each with the first line that has it. Quotes and
 * comments count: what a shell makes of them has too many corners to rely on.
 */
export function operatorsIn(script: string): Map<Operator, number> {
  const found = new Map<Operator, number>();
  script.split("\n").forEach((line, index) => {
    for (const [written] of line.matchAll(WRITTEN)) {
      const operator = MEANT[written] ?? OPERATORS.find((each) => each === written);
      if (operator && !found.has(operator)) found.set(operator, index + 1);
    }
  });
  return found;
}
