/** The hours in which a host lets its agent replace itself, by the host's own clock. */

const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const WINDOW = /^(?:([a-z]{3})(?:-([a-z]{3}))? )?(\d\d):(\d\d)-(\d\d):(\d\d)$/;

/** From when up to when, ms since the epoch. */
export interface Span {
  opens: number;
  closes: number;
}

/**
 * The span that is open, or else the next one. The days are those on which it
 * opens; one that ends at or before its beginning ends on the day after. An
 * hour that the clock skips is left out of it, and one that it repeats counts
 * the first time.
 * @param window as the schema of the policy has checked it
 */
export function spanAt(window: string, now: number): Span {
  const [, first, last, ...times] = WINDOW.exec(window) ?? [];
  const [fromHour = 0, fromMinute = 0, toHour = 0, toMinute = 0] = times.map(Number);
  const isOvernight = toHour * 60 + toMinute <= fromHour * 60 + fromMinute;
  const today = new Date(now);
  // Eight days later is the same day of the week again, should this one's be skipped by the clock.
  for (let ahead = -1; ahead <= 15; ahead++) {
    const at = (hour: number, minute: number, more = 0) =>
      new Date(today.getFullYear(), today.getMonth(), today.getDate() + ahead + more, hour, minute).getTime();
    const noon = new Date(at(12, 0));
    if (!isAmong(noon.getDay(), first, last)) continue;
    const span = { opens: at(fromHour, fromMinute), closes: at(toHour, toMinute, isOvernight ? 1 : 0) };
    if (span.opens < span.closes && now < span.closes) return span;
  }
  throw new TypeError(`"${window}" is not a window`);
}

function isAmong(day: number, first: string | undefined, last = first): boolean {
  if (first === undefined || last === undefined) return true;
  const [from, to] = [DAYS.indexOf(first), DAYS.indexOf(last)];
  return (day - from + 7) % 7 <= (to - from + 7) % 7;
}
