import { NavLink } from "react-router";
import { classes } from "../../components/classes.ts";
import { PHONE_DESTINATIONS } from "./navigation.ts";

/** The way around on a phone: within reach of a thumb. */
export function BottomBar() {
  return (
    <nav
      aria-label="Main"
      className="flex shrink-0 border-t border-line bg-surface pb-[env(safe-area-inset-bottom)] md:hidden"
    >
      {PHONE_DESTINATIONS.map(({ to, label, icon: Icon }) => (
        <NavLink
          key={to}
          to={to}
          className={({ isActive }) =>
            classes(
              "flex h-14 min-w-0 flex-1 flex-col items-center justify-center gap-1 text-[0.6875rem] text-muted focus-visible:-outline-offset-2",
              isActive && "font-medium text-link",
            )
          }
        >
          <Icon className="size-5" aria-hidden />
          {label}
        </NavLink>
      ))}
    </nav>
  );
}
