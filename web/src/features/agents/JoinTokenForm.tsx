import { type FormEvent, useState } from "react";
import {
  JOIN_TOKEN_SECONDS,
  JOIN_TOKEN_USES_MAX,
  type JoinTokenCreate,
  joinTokenCreateSchema,
  type Pool,
} from "#protocol/api/pools.ts";
import { Field } from "../../components/Field.tsx";
import { sentence } from "../../components/format.ts";
import { Input, Select } from "../../components/Input.tsx";
import { Notice } from "../../components/Notice.tsx";
import { readLabels } from "./labels.ts";

const FLEET_HOURS = [1, 4, 12, 24] as const;

interface Props {
  id: string;
  pools: readonly Pool[];
  initialPool: string | undefined;
  /** Why the last try did not work. */
  problem: string | undefined;
  onSubmit(wish: JoinTokenCreate): void;
}

/** What a join token is for: a pool, how many machines, for how long, and labels they cannot change. */
export function JoinTokenForm({ id, pools, initialPool, problem, onSubmit }: Props) {
  const [poolId, setPoolId] = useState(initialPool ?? pools[0]?.id ?? "");
  const [uses, setUses] = useState("1");
  const [hours, setHours] = useState("1");
  const [labels, setLabels] = useState("");
  const [wrong, setWrong] = useState<{ uses?: string; labels?: string }>({});
  const isFleet = Number(uses) > 1;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const read = readLabels(labels);
    if (!read.ok) return setWrong({ labels: read.problem });
    const wish = joinTokenCreateSchema.safeParse({
      poolId,
      uses: Number(uses),
      expiresInSeconds: isFleet ? Number(hours) * 3_600 : JOIN_TOKEN_SECONDS.single,
      labels: read.labels,
    });
    if (wish.success) {
      setWrong({});
      return onSubmit(wish.data);
    }
    const [issue] = wish.error.issues;
    const said = issue && sentence(issue.message);
    setWrong(issue?.path[0] === "labels" ? { labels: said } : { uses: said });
  };

  return (
    <form id={id} className="flex flex-col gap-4" onSubmit={submit} noValidate>
      <Field label="Pool" hint="Runbooks name a pool as their target; default when they name none.">
        {(control) => (
          <Select {...control} value={poolId} onChange={(event) => setPoolId(event.target.value)}>
            {pools.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </Select>
        )}
      </Field>
      <Field
        label="Machines"
        hint="How many may join with this token. For one it is good for 15 minutes."
        error={wrong.uses}
      >
        {(control) => (
          <Input
            {...control}
            type="number"
            min={1}
            max={JOIN_TOKEN_USES_MAX}
            value={uses}
            onChange={(event) => setUses(event.target.value)}
          />
        )}
      </Field>
      {isFleet && (
        <Field label="Good for" hint="Whoever has the token until then can join: keep it like a password.">
          {(control) => (
            <Select {...control} value={hours} onChange={(event) => setHours(event.target.value)}>
              {FLEET_HOURS.map((each) => (
                <option key={each} value={each}>
                  {each} {each === 1 ? "hour" : "hours"}
                </option>
              ))}
            </Select>
          )}
        </Field>
      )}
      <Field
        label="Labels"
        optional
        hint="Like role=web region=eu. Every machine that joins has them, whatever it says of itself."
        error={wrong.labels}
      >
        {(control) => (
          <Input {...control} value={labels} onChange={(event) => setLabels(event.target.value)} />
        )}
      </Field>
      {problem && (
        <Notice tone="bad" role="alert">
          {problem}
        </Notice>
      )}
    </form>
  );
}
