import { useQuery } from "@tanstack/react-query";
import { ChevronsUpDown, LogOut, Settings } from "lucide-react";
import { Link } from "react-router";
import { meQuery } from "../../api/queries/me.ts";
import { DropdownMenu, MenuItem, MenuLabel, MenuSeparator } from "../../components/DropdownMenu.tsx";
import { paths } from "../../routes/paths.ts";
import { ThemeItems } from "./ThemeItems.tsx";
import { useLogOut } from "./useLogOut.ts";

/** Who is logged in, the theme, and the way out. */
export function AccountMenu() {
  const { data: me } = useQuery(meQuery);
  const logOut = useLogOut();
  if (!me) return null;
  return (
    <DropdownMenu
      align="start"
      side="top"
      trigger={
        <button
          type="button"
          className="flex w-full items-center gap-2.5 rounded-md px-2 py-1.5 text-left hover:bg-hover data-[state=open]:bg-hover"
        >
          <span
            aria-hidden
            className="grid size-6 shrink-0 place-items-center rounded-full bg-accent-soft text-xs font-semibold text-link uppercase"
          >
            {me.actor.name.slice(0, 1)}
          </span>
          <span className="min-w-0 flex-1 leading-4">
            <span className="block truncate font-medium">{me.actor.name}</span>
            <span className="block truncate text-xs text-muted">{me.organization.name}</span>
          </span>
          <ChevronsUpDown className="size-4 shrink-0 text-faint" aria-hidden />
          <span className="sr-only">Account menu</span>
        </button>
      }
    >
      {me.actor.email && <MenuLabel>{me.actor.email}</MenuLabel>}
      <MenuItem asChild>
        <Link to={paths.settings}>
          <Settings aria-hidden />
          Settings
        </Link>
      </MenuItem>
      <MenuSeparator />
      <ThemeItems />
      <MenuSeparator />
      <MenuItem icon={<LogOut aria-hidden />} onSelect={logOut}>
        Log out
      </MenuItem>
    </DropdownMenu>
  );
}
