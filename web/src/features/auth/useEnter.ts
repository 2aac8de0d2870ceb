import { useQueryClient } from "@tanstack/react-query";
import { useLocation, useNavigate } from "react-router";
import { meQuery } from "../../api/queries/me.ts";
import { returnPath } from "../../routes/paths.ts";

/** After logging in: forget what another person saw, and go where they wanted to go. */
export function useEnter(): () => Promise<void> {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const { search } = useLocation();
  return async () => {
    queries.clear();
    await queries.prefetchQuery(meQuery);
    await navigate(returnPath(search), { replace: true });
  };
}
