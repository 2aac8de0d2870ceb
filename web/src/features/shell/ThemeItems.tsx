import { Check, Monitor, Moon, Sun } from "lucide-react";
import { DropdownMenu as Radix } from "radix-ui";
import { setTheme, type Theme, useTheme } from "../../components/theme.ts";

const CHOICES = [
  { theme: "system", label: "As the system", icon: Monitor },
  { theme: "light", label: "Light", icon: Sun },
  { theme: "dark", label: "Dark", icon: Moon },
] as const satisfies readonly { theme: Theme; label: string; icon: typeof Sun }[];

export function ThemeItems() {
  const { theme } = useTheme();
  return (
    <Radix.RadioGroup value={theme} aria-label="Theme">
      {CHOICES.map(({ theme: choice, label, icon: Icon }) => (
        <Radix.RadioItem
          key={choice}
          value={choice}
          onSelect={(event) => {
            // Stays open: people try both.
            event.preventDefault();
            setTheme(choice);
          }}
          className="flex min-h-8 items-center gap-2.5 rounded-md px-2 outline-none select-none data-highlighted:bg-hover pointer-coarse:min-h-11"
        >
          <Icon className="size-4 text-muted" aria-hidden />
          <span className="flex-1">{label}</span>
          <Radix.ItemIndicator>
            <Check className="size-4" aria-hidden />
          </Radix.ItemIndicator>
        </Radix.RadioItem>
      ))}
    </Radix.RadioGroup>
  );
}
