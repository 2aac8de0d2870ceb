/** What `scripts.operators` may name. */
export const OPERATOR_NAMES = [";", "&&", "||", "|", "&", "`", "$()", "<()", ">", ">>", "<", "<<"] as const;
