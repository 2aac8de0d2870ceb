import type { ComponentProps, ReactNode } from "react";
import { Button } from "./Button.tsx";
import { Tooltip } from "./Tooltip.tsx";

type Props = Omit<ComponentProps<typeof Button>, "children" | "aria-label"> & {
  /** What it does: its name for screen readers and its tooltip. */
  label: string;
  icon: ReactNode;
  shortcut?: ReactNode;
};

export function IconButton({ label, icon, shortcut, variant = "ghost", size = "icon", ...rest }: Props) {
  return (
    <Tooltip
      text={
        <>
          {label}
          {shortcut && <span className="ml-2 opacity-70">{shortcut}</span>}
        </>
      }
    >
      <Button aria-label={label} variant={variant} size={size} {...rest}>
        {icon}
      </Button>
    </Tooltip>
  );
}
