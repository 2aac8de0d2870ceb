import { Compass } from "lucide-react";
import { Link } from "react-router";
import { Button } from "../components/Button.tsx";
import { EmptyState } from "../components/EmptyState.tsx";
import { useTitle } from "../components/useTitle.ts";
import { paths } from "./paths.ts";

/** For addresses that lead nowhere, and for things that do not exist (or not for this organization). */
export function NotFoundPage({ what = "page" }: { what?: string }) {
  useTitle("Not found");
  return (
    <div className="grid min-h-full place-items-center">
      <EmptyState
        page
        icon={<Compass />}
        title={`This ${what} does not exist`}
        actions={
          <Button asChild>
            <Link to={paths.runbooks}>Go to the runbooks</Link>
          </Button>
        }
      >
        It may have been deleted, it may belong to another organization, or the address has a typo.
      </EmptyState>
    </div>
  );
}
