/** Times of day in a named zone, by the zone's own rules for summer time. */

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/**
 * The next instant, ms since the epoch, at which a clock in the zone shows this
 * time of day. A time that the change to summer time leaves out comes when the
 * clock has jumped; one that comes twice counts the first time.
 */
export function nextTimeOfDay(time: string, zone: string, now: number): number | undefined {
  const [hours = Number.NaN, minutes = Number.NaN] = time.split(":").map(Number);
  if (!(hours <= 23 && minutes <= 59)) return undefined;
  for (const day of [-1, 0, 1, 2]) {
    const at = instantOf(now + day * DAY_MS, hours, minutes, zone);
    if (at > now) return at;
  }
  return undefined;
}

/** The instant of a time of day on the day that `near` falls on in the zone. */
function instantOf(near: number, hours: number, minutes: number, zone: string): number {
  const { year, month, day } = wallClock(near, zone);
  const wanted = Date.UTC(year, month - 1, day, hours, minutes);
  // Twice, because the first guess may lie on the other side of a change of the clocks.
  let at = wanted - offsetAt(wanted, zone);
  at = wanted - offsetAt(at, zone);
  const earlier = at - 60 * MINUTE_MS;
  return earlier + offsetAt(earlier, zone) === wanted ? earlier : at;
}

/** How far the zone's clock is ahead of UTC at an instant, ms. */
function offsetAt(instant: number, zone: string): number {
  const { year, month, day, hour, minute, second } = wallClock(instant, zone);
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(instant / 1000) * 1000;
}

function wallClock(instant: number, zone: string) {
  const parts = new Intl.DateTimeFormat("en-u-hc-h23", {
    timeZone: zone,
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  }).formatToParts(instant);
  const part = (type: string) => Number(parts.find((each) => each.type === type)?.value);
  return {
    year: part("year"),
    month: part("month"),
    day: part("day"),
    hour: part("hour"),
    minute: part("minute"),
    second: part("second"),
  };
}
