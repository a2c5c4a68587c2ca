import { type Capture, type OnPiece, WEBM } from "./capture";

const PIECE_MS = 250;

/** The browser's own recorder, for browsers without the newer ways. Its first piece carries the header that all others need. */
export function webmCapture(stream: MediaStream, onPiece: OnPiece): Capture {
  const recorder = new MediaRecorder(stream, { mimeType: WEBM, audioBitsPerSecond: 32_000 });
  // Pieces are read one after another, so that none overtakes the one before.
  let reading = Promise.resolve();
  recorder.ondataavailable = ({ data }) => {
    if (data.size === 0) return;
    reading = reading.then(async () =>
      onPiece({ bytes: new Uint8Array(await data.arrayBuffer()), duration_ms: PIECE_MS }),
    );
  };
  recorder.start(PIECE_MS);
  return {
    way: "webm",
    pause: () => {
      if (recorder.state === "recording") recorder.pause();
    },
    resume: () => {
      if (recorder.state === "paused") recorder.resume();
    },
    stop: async () => {
      if (recorder.state !== "inactive") {
        const stopped = new Promise((resolve) => recorder.addEventListener("stop", resolve, { once: true }));
        recorder.stop();
        await stopped;
      }
      await reading;
    },
  };
}
