import { type CSSProperties, memo } from "react";
import { formatCount } from "../../components/format.ts";
import type { LogLine, LogSpan } from "../../live/logLine.ts";
import { type Color, PLAIN, type Style } from "../../live/style.ts";

interface Props {
  number: number;
  /** Absent while it is being read. */
  line: LogLine | undefined;
  /** Where the number leads: a link to this line. */
  href: string;
  marked: boolean;
  found: boolean;
  digits: number;
}

export const LogRow = memo(function LogRow({ number, line, href, marked, found, digits }: Props) {
  const stderr = line?.spans.some((span) => span.stream === "stderr");
  return (
    <div
      className="log-row"
      data-line={number}
      data-marked={marked || undefined}
      data-found={found || undefined}
    >
      <a
        href={href}
        className="log-number"
        style={{ minWidth: `calc(${digits}ch + 26px)` }}
        data-stream={stderr ? "stderr" : undefined}
        title={stderr ? "stderr" : undefined}
        tabIndex={-1}
      >
        {number + 1}
      </a>
      {line ? <LineText line={line} /> : <span className="log-loading" />}
    </div>
  );
});

function LineText({ line }: { line: LogLine }) {
  return (
    <span className="log-text">
      {line.spans.map((span, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: spans have no identity beyond their place
        <SpanText key={index} span={span} />
      ))}
      {line.hidden > 0 && (
        <span className="log-hidden">… {formatCount(line.hidden)} or more characters left out</span>
      )}
      {"\n"}
    </span>
  );
}

/** Always a text node, whatever the output holds. */
function SpanText({ span: { text, style } }: { span: LogSpan }) {
  if (style === PLAIN) return text;
  return (
    <span className={classNames(style)} style={colors(style)}>
      {text}
    </span>
  );
}

const WEIGHTS = ["bold", "dim", "italic", "underline", "strike"] as const;

function classNames(style: Style): string | undefined {
  const names = WEIGHTS.filter((weight) => style[weight]).map((weight) => `log-${weight}`);
  const { foreground, background, inverse } = style;
  if (typeof foreground === "string" && background === undefined && !inverse) names.push("log-fixed");
  return names.length > 0 ? names.join(" ") : undefined;
}

type SpanStyle = CSSProperties & { "--fixed"?: string };

function colors({ foreground, background, inverse }: Style): SpanStyle | undefined {
  if (foreground === undefined && background === undefined && !inverse) return undefined;
  const front = cssColor(foreground);
  const back = cssColor(background);
  if (inverse) return { color: back ?? "var(--log-canvas)", backgroundColor: front ?? "var(--log-ink)" };
  // On a fixed background the theme's own text colour may not be legible.
  if (back && !front) return { color: contrasting(background), backgroundColor: back };
  // Programs choose fixed colours for a terminal of their own: `log-fixed` keeps them legible on ours.
  if (typeof foreground === "string" && !back) return { "--fixed": foreground };
  return { color: front, backgroundColor: back };
}

function cssColor(color: Color | undefined): string | undefined {
  return typeof color === "number" ? `var(--ansi-${color})` : color;
}

function contrasting(background: Color | undefined): string {
  if (typeof background !== "string") return "var(--log-canvas)";
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) =>
    Number.parseInt(background.slice(at, at + 2), 16),
  );
  return red * 0.299 + green * 0.587 + blue * 0.114 > 140 ? "#000" : "#fff";
}
