import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { Navigate, Outlet, useLocation, useNavigate } from "react-router";
import { toast } from "sonner";
import { ApiError } from "../../api/errors.ts";
import { meQuery } from "../../api/queries/me.ts";
import { onSessionExpired } from "../../api/session.ts";
import { ErrorState } from "../../components/ErrorState.tsx";
import { logInPath } from "../../routes/paths.ts";
import { BottomBar } from "./BottomBar.tsx";
import { ConnectionBanner } from "./ConnectionBanner.tsx";
import { PageSkeleton } from "./PageSkeleton.tsx";
import { Sidebar } from "./Sidebar.tsx";
import { useFeed } from "./useFeed.ts";

/** Everything behind the log-in: asks who is there, and frames the page. */
export function AppLayout() {
  const me = useQuery(meQuery);
  const location = useLocation();
  useLogInWhenExpired();
  if (me.data) return <Frame />;
  if (me.isPending) return <PageSkeleton />;
  if (me.error instanceof ApiError && me.error.status === 401) {
    return <Navigate to={logInPath(location)} replace />;
  }
  return (
    <div className="grid h-dvh place-items-center">
      <ErrorState what="Farhand" error={me.error} onRetry={() => me.refetch()} />
    </div>
  );
}

function Frame() {
  const { pathname } = useLocation();
  const main = useRef<HTMLElement>(null);
  const status = useFeed();
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new page begins at its top
  useEffect(() => {
    main.current?.scrollTo(0, 0);
  }, [pathname]);
  return (
    <div className="flex h-dvh overflow-hidden">
      <a
        href="#main"
        className="fixed top-2 left-2 z-50 -translate-y-16 rounded-md bg-accent px-3 py-2 font-medium text-accent-ink focus:translate-y-0"
      >
        Skip to the content
      </a>
      <Sidebar />
      <div className="flex min-w-0 flex-1 flex-col">
        <ConnectionBanner status={status} />
        <main ref={main} id="main" tabIndex={-1} className="min-h-0 flex-1 overflow-y-auto outline-none">
          <Outlet />
        </main>
        <BottomBar />
      </div>
    </div>
  );
}

/** The server forgot the session while the page was open: log in, and come back to here. */
function useLogInWhenExpired(): void {
  const navigate = useNavigate();
  const queries = useQueryClient();
  useEffect(
    () =>
      onSessionExpired(() => {
        if (queries.getQueryData(meQuery.queryKey) === undefined) return;
        queries.clear();
        toast("Your session ended", { description: "Log in to go on where you were." });
        navigate(logInPath(window.location));
      }),
    [navigate, queries],
  );
}
