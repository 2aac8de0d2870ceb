import { Link } from "react-router";
import type { Preview } from "#protocol/api/previews.ts";
import { RelativeTime } from "../../components/RelativeTime.tsx";
import { paths } from "../../routes/paths.ts";
import { DifferenceList, isSame } from "../runbooks/DifferenceList.tsx";

/** What is different from the last execution that went well. */
export function LastSuccess({ difference }: Pick<Preview, "difference">) {
  if (!difference) return <p className="text-muted">It has not succeeded before.</p>;
  const { executionId, finishedAt, versionNumber, parameters, blocks } = difference;
  const same = parameters.length === 0 && isSame(blocks);
  return (
    <div className="flex flex-col gap-2">
      <p>
        {same ? "Exactly what ran in " : "Different from "}
        <Link to={paths.execution(executionId)} className="text-link underline">
          the last execution that succeeded
        </Link>
        <span className="text-muted">
          {" "}
          (version {versionNumber}
          {finishedAt && (
            <>
              , <RelativeTime time={finishedAt} />
            </>
          )}
          )
        </span>
      </p>
      {parameters.length > 0 && (
        <ul className="flex flex-col gap-1 font-mono text-[0.8125rem]">
          {parameters.map(({ name, before, after }) => (
            <li key={name} className="wrap-anywhere">
              {name}: <del className="text-bad">{String(before ?? "nothing")}</del>{" "}
              <ins className="text-good no-underline">{String(after ?? "nothing")}</ins>
            </li>
          ))}
        </ul>
      )}
      {!isSame(blocks) && <DifferenceList blocks={blocks} />}
    </div>
  );
}
