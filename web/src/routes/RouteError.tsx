import { Bug, RefreshCw } from "lucide-react";
import { useEffect } from "react";
import { isRouteErrorResponse, useRouteError } from "react-router";
import { Button } from "../components/Button.tsx";
import { EmptyState } from "../components/EmptyState.tsx";
import { NotFoundPage } from "./NotFoundPage.tsx";

/** A page that broke: words and a way on, never a stack. */
export function RouteError() {
  const error = useRouteError();
  const stale = isStaleChunk(error);
  useEffect(() => {
    console.error(error);
  }, [error]);
  if (isRouteErrorResponse(error) && error.status === 404) return <NotFoundPage />;
  return (
    <div className="grid min-h-full place-items-center" role="alert">
      <EmptyState
        page
        icon={stale ? <RefreshCw /> : <Bug />}
        title={stale ? "There is a newer Farhand" : "This page broke"}
        actions={
          <Button variant="primary" onClick={() => location.reload()}>
            Reload
          </Button>
        }
      >
        {stale
          ? "The app was updated while this page was open, or the connection dropped. Reload to go on."
          : "It is our fault, and nothing that runs is affected. Reload the page; if it breaks again, tell us what you did."}
      </EmptyState>
    </div>
  );
}

/** A chunk of the app could not be loaded: after an update the old ones are gone. */
function isStaleChunk(error: unknown): boolean {
  return error instanceof TypeError && /dynamically imported module|module script/i.test(error.message);
}
