/**
 * Tells subscribers that something changed, at most once per tick of the given
 * schedule: a thousand chunks in one frame are one render.
 */
export type Schedule = (run: () => void) => void;

export class Notifier {
  private readonly listeners = new Set<() => void>();
  private scheduled = false;
  private readonly schedule: Schedule;

  constructor(schedule: Schedule) {
    this.schedule = schedule;
  }

  /** Returns the function that ends the subscription. */
  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  notify(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.schedule(() => {
      this.scheduled = false;
      for (const listener of [...this.listeners]) listener();
    });
  }
}

/** Once per animation frame; in a hidden tab, where frames stop, a few times a second. */
export const perFrame: Schedule = (run) => {
  const finish = () => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    run();
  };
  const frame = requestAnimationFrame(finish);
  const timer = setTimeout(finish, 250);
};
