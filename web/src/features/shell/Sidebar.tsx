import { NavLink } from "react-router";
import { classes } from "../../components/classes.ts";
import { Logo } from "../../components/Logo.tsx";
import { AccountMenu } from "./AccountMenu.tsx";
import { DESTINATIONS } from "./navigation.ts";

/** The way around on a desk. */
export function Sidebar() {
  return (
    <aside className="hidden w-56 shrink-0 flex-col border-r border-line bg-canvas px-3 py-4 md:flex">
      <div className="mb-5 flex items-center gap-2 px-2">
        <Logo className="size-6" />
        <span className="text-[0.9375rem] font-semibold tracking-tight">Farhand</span>
      </div>
      <nav aria-label="Main" className="flex flex-1 flex-col gap-0.5">
        {DESTINATIONS.map(({ to, label, icon: Icon }) => (
          <NavLink
            key={to}
            to={to}
            className={({ isActive }) =>
              classes(
                "flex h-8 items-center gap-2.5 rounded-md px-2 text-muted hover:bg-hover hover:text-ink",
                isActive && "bg-hover font-medium text-ink",
              )
            }
          >
            <Icon className="size-4" aria-hidden />
            {label}
          </NavLink>
        ))}
      </nav>
      <AccountMenu />
    </aside>
  );
}
