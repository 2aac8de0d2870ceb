/**
 * How a run of output looks. SGR parameters (the `m` of `ESC [ … m`) turn one
 * style into the next; everything that is not colour or weight is ignored.
 */

/** 0–15 of the theme's palette, or a fixed colour as `#rrggbb`. */
export type Color = number | string;

export interface Style {
  readonly foreground?: Color;
  readonly background?: Color;
  readonly bold?: true;
  readonly dim?: true;
  readonly italic?: true;
  readonly underline?: true;
  readonly inverse?: true;
  readonly strike?: true;
}

export const PLAIN: Style = Object.freeze({});

/** The style after an SGR sequence with these parameters, e.g. `1;38;5;196`. */
export function applySgr(style: Style, parameters: string): Style {
  const codes = parameters === "" ? ["0"] : parameters.split(";");
  let next = style;
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] ?? "";
    if (code.startsWith("38") || code.startsWith("48")) {
      const { color, used } = extendedColor(code, codes, i);
      i += used;
      if (color !== undefined) {
        next = { ...next, [code.startsWith("38") ? "foreground" : "background"]: color };
      }
      continue;
    }
    next = applyCode(next, code);
  }
  return next;
}

export function sameStyle(a: Style, b: Style): boolean {
  return (
    a === b ||
    (a.foreground === b.foreground &&
      a.background === b.background &&
      a.bold === b.bold &&
      a.dim === b.dim &&
      a.italic === b.italic &&
      a.underline === b.underline &&
      a.inverse === b.inverse &&
      a.strike === b.strike)
  );
}

function applyCode(style: Style, code: string): Style {
  // `4:3` is a curly underline, `4:0` none; other sub-parameters have no meaning here.
  const [head = "", sub] = code.split(":");
  const value = head === "" ? 0 : Number(head);
  if (value === 4 && sub === "0") return { ...style, underline: undefined };
  switch (value) {
    case 0:
      return PLAIN;
    case 1:
      return { ...style, bold: true };
    case 2:
      return { ...style, dim: true };
    case 3:
      return { ...style, italic: true };
    case 4:
    case 21:
      return { ...style, underline: true };
    case 7:
      return { ...style, inverse: true };
    case 9:
      return { ...style, strike: true };
    case 22:
      return { ...style, bold: undefined, dim: undefined };
    case 23:
      return { ...style, italic: undefined };
    case 24:
      return { ...style, underline: undefined };
    case 27:
      return { ...style, inverse: undefined };
    case 29:
      return { ...style, strike: undefined };
    case 39:
      return { ...style, foreground: undefined };
    case 49:
      return { ...style, background: undefined };
  }
  if (value >= 30 && value <= 37) return { ...style, foreground: value - 30 };
  if (value >= 40 && value <= 47) return { ...style, background: value - 40 };
  if (value >= 90 && value <= 97) return { ...style, foreground: value - 90 + 8 };
  if (value >= 100 && value <= 107) return { ...style, background: value - 100 + 8 };
  return style;
}

/** Reads `38;5;n`, `38;2;r;g;b` and their colon forms; `used` counts the codes taken after the first. */
function extendedColor(
  code: string,
  codes: readonly string[],
  at: number,
): { color: Color | undefined; used: number } {
  if (code.includes(":")) {
    const parts = code.split(":").slice(1);
    const kind = parts[0];
    if (kind === "5") return { color: indexedColor(Number(parts[1])), used: 0 };
    // `38:2::r:g:b` has an empty colour space before the channels, `38:2:r:g:b` has not.
    if (kind === "2") return { color: rgb(parts.slice(-3)), used: 0 };
    return { color: undefined, used: 0 };
  }
  if (codes[at + 1] === "5") return { color: indexedColor(Number(codes[at + 2])), used: 2 };
  if (codes[at + 1] === "2") return { color: rgb(codes.slice(at + 2, at + 5)), used: 4 };
  return { color: undefined, used: 0 };
}

function indexedColor(index: number): Color | undefined {
  if (!Number.isInteger(index) || index < 0 || index > 255) return undefined;
  if (index < 16) return index;
  if (index >= 232) {
    const level = String(8 + (index - 232) * 10);
    return rgb([level, level, level]);
  }
  const cube = index - 16;
  const channel = (step: number) => String(step === 0 ? 0 : 55 + step * 40);
  return rgb([channel(Math.floor(cube / 36)), channel(Math.floor(cube / 6) % 6), channel(cube % 6)]);
}

function rgb(channels: readonly string[]): Color | undefined {
  if (channels.length !== 3) return undefined;
  let color = "#";
  for (const channel of channels) {
    const value = Number(channel);
    if (channel === "" || !Number.isInteger(value) || value < 0 || value > 255) return undefined;
    color += value.toString(16).padStart(2, "0");
  }
  return color;
}
