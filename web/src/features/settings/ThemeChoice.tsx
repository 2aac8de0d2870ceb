import { classes } from "../../components/classes.ts";
import { setTheme, type Theme, useTheme } from "../../components/theme.ts";

const CHOICES = [
  { theme: "system", label: "As the system" },
  { theme: "light", label: "Light" },
  { theme: "dark", label: "Dark" },
] as const satisfies readonly { theme: Theme; label: string }[];

export function ThemeChoice() {
  const { theme } = useTheme();
  return (
    <fieldset className="flex flex-wrap gap-2 px-4 py-3">
      <legend className="sr-only">Theme</legend>
      {CHOICES.map(({ theme: choice, label }) => (
        <label
          key={choice}
          className={classes(
            "flex h-9 cursor-pointer items-center gap-2 rounded-md border border-line px-3 hover:bg-hover pointer-coarse:h-11",
            theme === choice && "border-accent bg-accent-soft",
          )}
        >
          <input
            type="radio"
            name="theme"
            className="accent-accent"
            checked={theme === choice}
            onChange={() => setTheme(choice)}
          />
          {label}
        </label>
      ))}
    </fieldset>
  );
}
