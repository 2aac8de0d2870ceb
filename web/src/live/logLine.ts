/** One line of output as it is shown, put together from the pieces that its chunks have of it. */
import type { Stream } from "#protocol/chunk.ts";
import type { Style } from "./style.ts";
import type { Piece } from "./terminal.ts";

export interface LogSpan {
  readonly text: string;
  readonly style: Style;
  readonly stream: Stream;
}

export interface LogLine {
  /** From 0. */
  readonly number: number;
  readonly spans: readonly LogSpan[];
  /** Characters that are left out because the line is too long to show. */
  readonly hidden: number;
}

/** Most characters of a line that are laid out; the rest is in the download. */
export const LINE_SHOWN_MAX = 4_000;

/** Joins pieces in order, with the effect of the carriage returns between them. */
export class LineBuilder {
  private spans: LogSpan[] = [];
  private length = 0;
  private hidden = 0;
  private returned = false;

  add(piece: Piece, stream: Stream): void {
    if (piece.restarts || (this.returned && piece.spans.length > 0)) this.clear();
    for (const span of piece.spans) this.push(span.text, span.style, stream);
    this.returned = piece.returned || (this.returned && piece.spans.length === 0);
  }

  /** True when more text would not be shown anyway. */
  get full(): boolean {
    return this.hidden > 0;
  }

  build(number: number): LogLine {
    return { number, spans: this.spans, hidden: this.hidden };
  }

  private clear(): void {
    this.spans = [];
    this.length = 0;
    this.hidden = 0;
  }

  private push(text: string, style: Style, stream: Stream): void {
    const room = LINE_SHOWN_MAX - this.length;
    const cut = text.length > room ? cutAt(text, room) : text.length;
    this.hidden += text.length - cut;
    this.length += cut;
    if (cut > 0) this.spans.push({ text: cut === text.length ? text : text.slice(0, cut), style, stream });
  }
}

/** Does not cut a surrogate pair in two. */
function cutAt(text: string, length: number): number {
  if (length <= 0) return 0;
  const before = text.charCodeAt(length - 1);
  return before >= 0xd800 && before <= 0xdbff ? length - 1 : length;
}
