import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "react-router";
import { toast } from "sonner";

import { paths } from "../../routes/paths.ts";

/** Ends the session here and on the server, and forgets what was read. */
export function useLogOut(): () => Promise<void> {
  const queries = useQueryClient();
  const navigate = useNavigate();
  return async () => {
    const { logOut } = await import("../../api/auth.ts");
    const result = await logOut();
    if (!result.ok) {
      toast.error("You are still logged in", { description: result.message });
      return;
    }
    await navigate(paths.logIn);
    queries.clear();
  };
}
