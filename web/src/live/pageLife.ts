/** What a session is told of the page's life. */
export interface Sleeper {
  networkBack(): void;
  networkLost(): void;
}

/** Tells of the network going and coming, and of the page waking up after its machine or the browser had put it to sleep. */
export function followPage(sleeper: Sleeper, onAwake: () => void = () => {}): () => void {
  const back = () => sleeper.networkBack();
  const lost = () => sleeper.networkLost();
  const awake = () => {
    if (document.visibilityState !== "visible") return;
    onAwake();
    sleeper.networkBack();
  };
  window.addEventListener("online", back);
  window.addEventListener("offline", lost);
  window.addEventListener("pageshow", awake);
  document.addEventListener("resume", awake);
  document.addEventListener("visibilitychange", awake);
  return () => {
    window.removeEventListener("online", back);
    window.removeEventListener("offline", lost);
    window.removeEventListener("pageshow", awake);
    document.removeEventListener("resume", awake);
    document.removeEventListener("visibilitychange", awake);
  };
}

/** Keeps the screen, and with it the microphone of a phone, from going to sleep; false where the browser cannot. */
export async function stayAwake(): Promise<(() => void) | null> {
  if (!("wakeLock" in navigator)) return null;
  let held: WakeLockSentinel | null = null;
  let over = false;
  const hold = async () => {
    if (over || document.visibilityState !== "visible") return;
    held = await navigator.wakeLock.request("screen").catch(() => null);
    if (over) await held?.release();
  };
  await hold();
  if (!held) return null;
  // The browser takes it back whenever the page is hidden.
  const again = () => void hold();
  document.addEventListener("visibilitychange", again);
  return () => {
    over = true;
    document.removeEventListener("visibilitychange", again);
    void held?.release();
  };
}
