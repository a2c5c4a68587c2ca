const WAITS_MS = [1000, 2000, 4000, 8000, 16_000] as const;

/** The row of tries after a cut: 1, 2, 4, 8 and 16 seconds apart, then none. */
export class Retries {
  private tried = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly onTry: () => void) {}

  /** Plans the next try; false when the row has ended. */
  plan(at_least_ms = 0): boolean {
    const wait_ms = WAITS_MS[this.tried];
    if (wait_ms === undefined) return false;
    this.tried += 1;
    this.set(Math.max(wait_ms, at_least_ms));
    return true;
  }

  /** Tries without waiting. */
  now(): void {
    this.cancel();
    this.onTry();
  }

  /** A connection that works starts the row anew. */
  reset(): void {
    this.tried = 0;
  }

  cancel(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  /** Which try is being waited for or made, from 1; 0 when there was none. */
  get count(): number {
    return this.tried;
  }

  get waiting(): boolean {
    return this.timer !== undefined;
  }

  private set(wait_ms: number): void {
    this.cancel();
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.onTry();
    }, wait_ms);
  }
}

export const MOST_TRIES = WAITS_MS.length;
