import { cva, type VariantProps } from "class-variance-authority";
import { LoaderCircle } from "lucide-react";
import { Slot } from "radix-ui";
import type { ComponentProps } from "react";
import { classes } from "./classes.ts";

const look = cva(
  "inline-flex shrink-0 items-center justify-center gap-1.5 whitespace-nowrap rounded-md font-medium transition-colors select-none disabled:opacity-50 disabled:pointer-events-none aria-disabled:opacity-60 [&_svg]:size-4 [&_svg]:shrink-0",
  {
    variants: {
      variant: {
        primary: "bg-accent text-accent-ink shadow-raised hover:bg-accent-hover",
        secondary: "border border-line-strong bg-surface text-ink shadow-raised hover:bg-hover",
        ghost: "text-muted hover:bg-hover hover:text-ink",
        danger: "bg-bad-fill text-white shadow-raised hover:opacity-90",
        dangerQuiet: "text-bad hover:bg-bad-soft",
      },
      size: {
        sm: "h-7 px-2.5 text-[0.8125rem] pointer-coarse:h-10 pointer-coarse:px-3.5",
        md: "h-8 px-3 text-sm pointer-coarse:h-11 pointer-coarse:px-4",
        lg: "h-10 px-4 text-sm pointer-coarse:h-12",
        icon: "size-8 pointer-coarse:size-11",
        iconSm: "size-7 pointer-coarse:size-10",
      },
    },
    defaultVariants: { variant: "secondary", size: "md" },
  },
);

type Props = ComponentProps<"button"> &
  VariantProps<typeof look> & {
    /** Renders its only child (a link) with the button's looks. */
    asChild?: boolean;
    /** Something was asked for and is under way: a spinner, and no second click. */
    busy?: boolean;
  };

export function Button({ variant, size, asChild, busy, className, children, onClick, ...rest }: Props) {
  const dressed = classes(look({ variant, size }), className);
  if (asChild) {
    return (
      <Slot.Root className={dressed} onClick={onClick} {...rest}>
        {children}
      </Slot.Root>
    );
  }
  return (
    <button
      type="button"
      className={dressed}
      aria-disabled={busy || undefined}
      aria-busy={busy || undefined}
      onClick={busy ? (event) => event.preventDefault() : onClick}
      {...rest}
    >
      {busy && <LoaderCircle className="animate-spin" aria-hidden />}
      {children}
    </button>
  );
}
