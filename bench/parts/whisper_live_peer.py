"""WhisperLive as a peer, run by its own Python: `whisper_live_peer.py JOB.json` prints what it measured as JSON.

Its server side is used as it is, one client object a stream; only the socket is replaced, so that its web
server costs it nothing. An update counts as covering all audio the transcription began with.
"""

import json
import os
import sys
import threading
import time
import types
from pathlib import Path

import numpy as np

PACKET_SECONDS = 0.1
PACKET_SAMPLES = 1600
LATE_SECONDS = 5.0


def client_class():
    """WhisperLive's faster-whisper client. It asks torch one thing here: whether there is a GPU."""
    torch = types.ModuleType("torch")
    torch.cuda = types.SimpleNamespace(is_available=lambda: False)
    sys.modules["torch"] = torch
    from whisper_live.backend.faster_whisper_backend import ServeClientFasterWhisper

    class Client(ServeClientFasterWhisper):
        """Remembers how far the audio of the transcription under way reaches."""

        extent = 0.0

        def get_audio_chunk_for_processing(self):
            audio, duration = super().get_audio_chunk_for_processing()
            self.extent = self.timestamp_offset + duration
            return audio, duration

    return Client


class Stream:
    """One speaker: the socket WhisperLive sends to, and the thread that talks."""

    def __init__(self, client_class, number, job):
        self.client = None
        self.updates = []
        self.sent = []
        self.number = number
        self.spoken = job["spoken"][number]
        self.audio = np.load(job["audios"][number])
        self.client = client_class(
            self,
            language="en",
            client_uid=str(number),
            model=job["model"],
            use_vad=True,
            single_model=job["single_model"],
        )

    def send(self, text):
        if "segments" in json.loads(text) and self.client is not None:
            self.updates.append((time.perf_counter(), self.client.extent))

    def close(self):
        """Nothing is open."""

    def talk(self, delay):
        time.sleep(delay)
        began = time.perf_counter()
        for packet in range(len(self.audio) // PACKET_SAMPLES):
            due = began + (packet + 1) * PACKET_SECONDS
            time.sleep(max(0.0, due - time.perf_counter()))
            self.sent.append(time.perf_counter())
            at = packet * PACKET_SAMPLES
            self.client.add_frames(self.audio[at : at + PACKET_SAMPLES])

    def waits(self, ended):
        covered, found = 0, []
        for when, extent in self.updates:
            until = min(int((extent + 0.05) / PACKET_SECONDS), len(self.sent))
            found += [when - self.sent[i] for i in range(covered, until) if self.spoken[i]]
            covered = max(covered, until)
        # What was never covered has waited at least until now.
        now = time.perf_counter()
        late = [i for i in range(covered, len(self.sent)) if self.sent[i] < ended - LATE_SECONDS]
        return found + [now - self.sent[i] for i in late if self.spoken[i]]


def main():
    job = json.loads(Path(sys.argv[1]).read_text())
    kind = client_class()
    streams = [Stream(kind, number, job) for number in range(len(job["audios"]))]
    streams[0].client.transcriber.transcribe(np.zeros(16_000, np.float32), language="en")
    before = time.process_time()
    gap = PACKET_SECONDS / len(streams)
    threads = [threading.Thread(target=s.talk, args=(gap * s.number,)) for s in streams]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ended = time.perf_counter()
    spent = time.process_time() - before
    time.sleep(job["patience"])
    print(json.dumps({"waits": [s.waits(ended) for s in streams], "cpu_seconds": spent}))
    sys.stdout.flush()
    os._exit(0)  # its threads have no end of their own


main()
