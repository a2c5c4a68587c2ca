"""Decoding through the service against PyAV alone: webm/opus and other formats, side by side in one run.

    python -m bench.decode [--quick] [--minutes 10] [--runs 5] [RECORDING …]

Prints audio seconds per second for both and the ratio of their medians.
"""

import argparse
import asyncio
import io
import sys
import tempfile
import time
from pathlib import Path

import av
import numpy as np

from bench.measure import Ratio, at_least, in_turn
from tertulia.speech.decoding import Decoder

GOAL = 0.9
MEASURED = "webm/opus"
"""The one with a goal: cheap formats spend their time on the way between the processes."""
FORMATS = {
    "webm/opus": ("webm", "libopus", 48_000),
    "mp3": ("mp3", "libmp3lame", 44_100),
    "m4a/aac": ("mp4", "aac", 44_100),
    "flac": ("flac", "flac", 16_000),
    "wav": ("wav", "pcm_s16le", 16_000),
}


def recording(minutes: float, container: str, codec: str, rate_hz: int) -> bytes:
    """Speech-like sound: noise whose loudness comes and goes with the pace of syllables."""
    random = np.random.default_rng(1)
    times = np.arange(int(minutes * 60 * rate_hz)) / rate_hz
    loudness = np.clip(np.sin(2 * np.pi * 3 * times), 0, 1) * np.clip(
        np.sin(2 * np.pi * 0.2 * times) + 0.7, 0, 1
    )
    voice = np.sign(np.sin(2 * np.pi * 120 * times)) * 0.1 + random.normal(0, 0.05, times.size)
    samples = (voice * loudness * 20_000).astype(np.int16)
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate_hz, layout="mono")
        resampler = av.AudioResampler(
            format=stream.codec_context.format,
            layout="mono",
            rate=rate_hz,
            frame_size=stream.codec_context.frame_size or 1024,
        )
        step = rate_hz * 10
        for start in range(0, samples.size, step):
            frame = av.AudioFrame.from_ndarray(
                samples[np.newaxis, start : start + step], format="s16", layout="mono"
            )
            frame.sample_rate, frame.pts = rate_hz, start
            for piece in resampler.resample(frame):
                out.mux(stream.encode(piece))
        for piece in resampler.resample(None):
            out.mux(stream.encode(piece))
        out.mux(stream.encode(None))
    return file.getvalue()


def pyav_alone(path: Path) -> int:
    """The plain way: decode, bring to 16 kHz mono, join."""
    resampler = av.AudioResampler(format="fltp", layout="mono", rate=16_000)
    parts = []
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            parts += [piece.to_ndarray() for piece in resampler.resample(frame)]
        parts += [piece.to_ndarray() for piece in resampler.resample(None)]
    return int(np.concatenate(parts, axis=1).shape[1])


async def measure(name: str, path: Path, decoder: Decoder, runs: int) -> Ratio:
    """The speed of one recording through the service against PyAV alone."""

    async def ours() -> float:
        started = time.perf_counter()
        samples = (await decoder.decode(path)).samples
        return samples.size / 16_000 / (time.perf_counter() - started)

    async def plain() -> float:
        started = time.perf_counter()
        samples = await asyncio.to_thread(pyav_alone, path)
        return samples / 16_000 / (time.perf_counter() - started)

    service, alone = await in_turn(ours, plain, runs)
    ratio = at_least(f"decode {name}", service, alone, "audio s/s", GOAL)
    figures = f"ours {service:,.0f} audio s/s, baseline {alone:,.0f} audio s/s"
    print(ratio.line() if name == MEASURED else f"decode {name}: {ratio.value:.3f}; {figures}")
    return ratio


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recordings", nargs="*", type=Path)
    parser.add_argument("--quick", action="store_true", help="two minutes, three runs")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    minutes, runs = (2.0, 3) if arguments.quick else (arguments.minutes, arguments.runs)
    decoder = Decoder()
    started = time.perf_counter()
    await decoder.start()
    print(f"first process ready after {(time.perf_counter() - started) * 1000:.0f} ms")
    ratios: list[Ratio] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, (container, codec, rate_hz) in FORMATS.items():
            path = Path(folder) / name.replace("/", ".")
            path.write_bytes(recording(minutes, container, codec, rate_hz))
            ratios.append(await measure(name, path, decoder, runs))
        for path in arguments.recordings:
            await measure(path.name, path, decoder, runs)
    await decoder.close()
    return 0 if ratios[0].holds else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
