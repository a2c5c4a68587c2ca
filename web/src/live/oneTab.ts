const NAME = "tertulia.live";

/** Lets one tab of a browser listen at a time. */
export interface OneTab {
  /** Takes the place, if it is free; `onAsked` is told when another tab wants it. */
  take(onAsked: () => void): Promise<boolean>;
  /** Asks the tab that has the place to end, and waits until it has. */
  takeOver(onAsked: () => void): Promise<void>;
  leave(): void;
  /** Whether another tab has the place. */
  elsewhere(): Promise<boolean>;
  /** Says whether another tab has the place, now and at each change. */
  watch(onChange: (elsewhere: boolean) => void): () => void;
}

type Note = "asked" | "taken" | "left";

/** One tab by the browser's own locks, which a crashed tab cannot keep, and a channel on which tabs tell each other. */
export class LockedTab implements OneTab {
  private release: (() => void) | null = null;
  private stopHearing: (() => void) | null = null;

  constructor(
    private readonly locks: LockManager | undefined = navigator.locks,
    private readonly openChannel: () => BroadcastChannel = () => new BroadcastChannel(NAME),
  ) {}

  take(onAsked: () => void): Promise<boolean> {
    return this.request(onAsked, { ifAvailable: true });
  }

  async takeOver(onAsked: () => void): Promise<void> {
    this.tell("asked");
    await this.request(onAsked, {});
  }

  leave(): void {
    this.stopHearing?.();
    this.stopHearing = null;
    this.release?.();
    if (this.release) this.tell("left");
    this.release = null;
  }

  async elsewhere(): Promise<boolean> {
    const held = (await this.locks?.query())?.held ?? [];
    return this.release === null && held.some((lock) => lock.name === NAME);
  }

  watch(onChange: (elsewhere: boolean) => void): () => void {
    const look = async () => onChange(await this.elsewhere());
    void look();
    const channel = this.openChannel();
    channel.onmessage = () => void look();
    // A tab that was closed or broke says nothing; its lock is gone when one looks again.
    const again = () => void look();
    document.addEventListener("visibilitychange", again);
    return () => {
      channel.close();
      document.removeEventListener("visibilitychange", again);
    };
  }

  private async request(onAsked: () => void, options: LockOptions): Promise<boolean> {
    if (this.release) return true;
    // Where there are no locks (a page over an open line), each tab is on its own.
    if (!this.locks) return true;
    const locks = this.locks;
    const taken = await new Promise<boolean>((resolve, reject) => {
      locks
        .request(NAME, options, (lock) => {
          if (!lock) return resolve(false);
          resolve(true);
          return new Promise<void>((release) => {
            this.release = release;
          });
        })
        .catch(reject);
    });
    if (taken) this.hear(onAsked);
    return taken;
  }

  private hear(onAsked: () => void): void {
    const channel = this.openChannel();
    channel.onmessage = ({ data }: MessageEvent<Note>) => {
      if (data === "asked") onAsked();
    };
    this.stopHearing = () => channel.close();
    this.tell("taken");
  }

  private tell(note: Note): void {
    const channel = this.openChannel();
    channel.postMessage(note);
    channel.close();
  }
}
