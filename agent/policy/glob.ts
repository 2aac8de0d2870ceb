/** Patterns for names and for folders, as the policy has them. */

/** Whether one of the patterns stands for the whole name; `*` is any characters. */
export function matchesName(globs: readonly string[], name: string): boolean {
  return globs.some((glob) => expression(glob, { "*": ".*" }).test(name));
}

/**
 * Whether one of the patterns stands for the folder. `*` is any characters of
 * one name, `**` any folders; `/srv/**` is /srv as well.
 * @param path absolute, without links, dots and a slash at its end
 */
export function matchesFolder(globs: readonly string[], path: string): boolean {
  return globs.some((glob) => {
    const trimmed = glob.replace(/\/+$/, "");
    return expression(trimmed, { "/**": "(?:/.*)?", "**": ".*", "*": "[^/]*" }).test(
      path === "/" ? "" : path,
    );
  });
}

const compiled = new Map<string, RegExp>();

function expression(glob: string, wild: Readonly<Record<string, string>>): RegExp {
  const key = `${Object.keys(wild).length} ${glob}`;
  const known = compiled.get(key);
  if (known) return known;
  const source = glob.replaceAll(
    /\/\*\*(?=\/|$)|\*\*|[^\w\s/-]/g,
    (found) => wild[found] ?? everyOne(found, wild),
  );
  const made = new RegExp(`^${source}$`, "s");
  compiled.set(key, made);
  return made;
}

/** A run of signs of which each means what it means alone. */
function everyOne(text: string, wild: Readonly<Record<string, string>>): string {
  return [...text].map((sign) => wild[sign] ?? (/[\w/]/.test(sign) ? sign : `\\${sign}`)).join("");
}
