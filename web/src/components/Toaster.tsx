import { Toaster as Sonner } from "sonner";
import { useTheme } from "./theme.ts";

/** Where short messages appear: results of what was just done. */
export function Toaster() {
  const { dark } = useTheme();
  return (
    <Sonner
      theme={dark ? "dark" : "light"}
      position="bottom-right"
      mobileOffset={{ bottom: "72px" }}
      toastOptions={{
        classNames: {
          toast: "!font-sans !bg-surface !text-ink !border-line !shadow-floating !rounded-lg",
          description: "!text-muted",
        },
      }}
    />
  );
}
