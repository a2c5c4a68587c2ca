"""Processes that hang, die, or ask for too much."""

import asyncio
import os
from pathlib import Path

import psutil
import pytest
from tests.speech.decoding.recordings import RATE_HZ, silent_wav, tone, wav

from tertulia.speech.decoding import (
    AudioTooDemandingError,
    AudioUnreadableError,
    DecodeLimits,
    Decoder,
    DecoderStoppedError,
)

pytestmark = pytest.mark.engine


async def test_a_recording_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    decoder = Decoder(DecodeLimits(seconds=0.2))
    try:
        with pytest.raises(AudioTooDemandingError, match="TERTULIA_DECODE_TIMEOUT_SECONDS"):
            await decoder.measure(silent_wav(tmp_path / "long.wav", hours=11))
        assert (await decoder.decode(wav(tone(0.1)))).samples.size == RATE_HZ // 10
    finally:
        await decoder.close()


async def test_a_slow_reader_is_not_taken_for_a_slow_decoder(tmp_path: Path) -> None:
    decoder = Decoder(DecodeLimits(seconds=2.0))
    path = silent_wav(tmp_path / "long.wav", hours=0.1)
    try:
        async with decoder.open(path, block_seconds=60) as recording:
            patience = recording._patience
            async for _ in recording:
                before = patience.left_seconds
                await asyncio.sleep(0.1)
                assert patience.left_seconds == before
    finally:
        await decoder.close()


async def test_memory_has_a_limit(tmp_path: Path) -> None:
    decoder = Decoder(DecodeLimits(memory_bytes=80 << 20))
    path = silent_wav(tmp_path / "long.wav", hours=2)
    try:
        with pytest.raises((AudioTooDemandingError, AudioUnreadableError)):
            async with decoder.open(path, block_seconds=7200) as recording:
                async for _ in recording:
                    pass
        assert (await decoder.decode(wav(tone(0.1)))).samples.size == RATE_HZ // 10
    finally:
        await decoder.close()


async def test_a_process_that_dies_is_replaced(tmp_path: Path) -> None:
    decoder = Decoder()
    path = silent_wav(tmp_path / "long.wav", hours=10)
    try:
        with pytest.raises(AudioUnreadableError):
            async with decoder.open(path, block_seconds=1) as recording:
                async for _ in recording:
                    recording._child._process.kill()
        assert (await decoder.decode(wav(tone(0.1)))).samples.size == RATE_HZ // 10
    finally:
        await decoder.close()


async def test_a_warm_process_that_died_meanwhile_costs_nobody_a_recording() -> None:
    decoder = Decoder()
    await decoder.start()
    try:
        for child in decoder._pool._idle:
            child._process.kill()
            child._process.wait()
        assert (await decoder.decode(wav(tone(0.1)))).samples.size == RATE_HZ // 10
    finally:
        await decoder.close()


async def test_one_process_serves_many_recordings() -> None:
    decoder = Decoder(workers=1)
    try:
        for _ in range(5):
            await decoder.decode(wav(tone(0.1)))
        assert [child.jobs for child in decoder._pool._idle] == [5]
    finally:
        await decoder.close()


async def test_a_cancelled_reader_leaves_nothing_behind(tmp_path: Path) -> None:
    decoder = Decoder(workers=1)
    path = silent_wav(tmp_path / "long.wav", hours=11)
    try:
        reading = asyncio.Event()

        async def read() -> None:
            async with decoder.open(path, samples=False) as recording:
                reading.set()
                async for _ in recording:
                    pass

        task = asyncio.create_task(read())
        await reading.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await decoder.decode(wav(tone(0.1)))).samples.size == RATE_HZ // 10
    finally:
        await decoder.close()


async def test_closing_ends_every_process_and_refuses_more() -> None:
    before = {child.pid for child in psutil.Process().children()}
    decoder = Decoder()
    await decoder.start()
    stream = await decoder.stream()
    await stream.feed(b"\x1a\x45\xdf\xa3")
    assert len({child.pid for child in psutil.Process().children()} - before) == 2
    await stream.close()
    await decoder.close()
    assert {child.pid for child in psutil.Process().children()} <= before
    with pytest.raises((DecoderStoppedError, RuntimeError)):
        await decoder.decode(wav(tone(0.1)))


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
async def test_a_process_knows_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERTULIA_GLADIA_KEY", "do-not-pass-on")
    decoder = Decoder()
    await decoder.start()
    try:
        pid = decoder._pool._idle[0].pid
        environment = await asyncio.to_thread(Path(f"/proc/{pid}/environ").read_bytes)
        assert b"PATH=" in environment
        assert b"do-not-pass-on" not in environment
        assert os.environ["TERTULIA_GLADIA_KEY"] == "do-not-pass-on"
    finally:
        await decoder.close()
