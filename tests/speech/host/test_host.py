"""The speech host with a real child process that is killed, hung, broken and starved."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
from tests.fakes.scripted_model import BLOAT, CRASH, HANG, silence, speech
from tests.speech.host.conftest import ROOT, StartHost, listening, running, talk

from tertulia.speech.domain import HypothesisKind
from tertulia.speech.engines.errors import RecognitionError
from tertulia.speech.host.errors import EngineBusyError, EngineCrashedError, HostDownError

pytestmark = pytest.mark.engine

NUMBERS = list(range(2, 60))
SAID = [f"w{n}" for n in NUMBERS]


async def test_a_file_comes_back_whole_and_in_order(start_host: StartHost) -> None:
    host = await start_host()
    audio = np.concatenate([speech(NUMBERS * 6), silence(20), speech(NUMBERS), silence(3)])
    found = await host.recognizer("scripted").transcribe(audio)
    assert found.text.split() == SAID * 7
    assert found.language == "en"
    assert found.provider == "scripted"
    assert [s.start for s in found.segments] == sorted(s.start for s in found.segments)
    last = found.segments[-1]
    assert last.end == pytest.approx(len(audio) / 16_000 - 3.1, abs=0.05)


async def test_silence_yields_no_text(start_host: StartHost) -> None:
    host = await start_host()
    found = await host.recognizer("scripted").transcribe(silence(600))
    assert found.segments == ()


async def test_many_files_and_streams_share_the_host(start_host: StartHost) -> None:
    host = await start_host(quick_seconds=0.01, full_seconds=0.02)
    recognizer = host.recognizer("scripted")
    files = [asyncio.create_task(recognizer.transcribe(speech(NUMBERS[i:]))) for i in range(12)]
    async with listening(host) as one, listening(host) as other:
        for listener in (one, other):
            await talk(listener.stream, np.concatenate([speech(NUMBERS), silence(1)]))
            await listener.stream.finish()
        await one.end()
        await other.end()
        assert one.said == other.said == SAID
    for i, file in enumerate(files):
        assert (await file).text.split() == SAID[i:]


@pytest.mark.parametrize("streams", [False, True])
async def test_killed_in_mid_stream_nothing_is_lost_or_doubled(
    start_host: StartHost, streams: bool
) -> None:
    host = await start_host(streams=streams)
    async with listening(host) as listener:
        await talk(listener.stream, np.concatenate([speech(NUMBERS[:20]), silence(1)]))
        await talk(listener.stream, speech(NUMBERS[20:30]))
        await listener.until(lambda one: SAID[25] in one.shown.split())
        confirmed = [final.text for final in listener.finals]
        assert host.pid is not None
        os.kill(host.pid, signal.SIGKILL)
        await talk(listener.stream, np.concatenate([speech(NUMBERS[30:]), silence(1)]))
        await listener.stream.finish()
        await listener.end()
        assert listener.said == SAID
        assert [final.text for final in listener.finals][: len(confirmed)] == confirmed
        names = [final.utterance_id for final in listener.finals]
        assert len(names) == len(set(names))
        shown = {h.utterance_id for h in listener.heard if h.text}
        assert shown <= set(names)
    assert (await host.snapshot())["restarts"] == 1


async def test_killed_again_and_again_a_stream_still_ends_whole(start_host: StartHost) -> None:
    host = await start_host()
    async with listening(host) as listener:
        for part in range(4):
            before = len(listener.heard)
            await talk(
                listener.stream, np.concatenate([speech(NUMBERS[part * 10 :][:10]), silence(1)])
            )
            await listener.until(lambda one, before=before: len(one.heard) > before)
            assert host.pid is not None
            os.kill(host.pid, signal.SIGKILL)
        await listener.stream.finish()
        await listener.end()
        assert listener.said == SAID[:40]


async def test_a_file_under_way_survives_one_death(start_host: StartHost) -> None:
    host = await start_host(full_seconds=0.2)
    work = asyncio.create_task(host.recognizer("scripted").transcribe(speech(NUMBERS * 4)))
    await running(host)
    assert host.pid is not None
    os.kill(host.pid, signal.SIGKILL)
    assert (await work).text.split() == SAID * 4


async def test_audio_that_segfaults_the_engine_is_refused_and_spares_the_others(
    start_host: StartHost,
) -> None:
    host = await start_host(full_seconds=0.05)
    recognizer = host.recognizer("scripted")
    good = [asyncio.create_task(recognizer.transcribe(speech(NUMBERS * 3))) for _ in range(3)]
    async with listening(host) as listener:
        await talk(listener.stream, np.concatenate([speech(NUMBERS), silence(1)]))
        with pytest.raises(EngineCrashedError) as refused:
            await recognizer.transcribe(speech([5, CRASH, 6]))
        assert refused.value.status == 422
        await listener.stream.finish()
        await listener.end()
        assert listener.said == SAID
    for file in good:
        assert (await file).text.split() == SAID * 3
    assert (await host.snapshot())["restarts"] == 2


async def test_a_stream_that_segfaults_the_engine_ends_alone(start_host: StartHost) -> None:
    host = await start_host(quick_seconds=0.02)
    async with listening(host) as good:
        await talk(good.stream, speech(NUMBERS[:20]))
        await good.until(lambda one: bool(one.shown))
        bad = await host.live_recognizer("scripted").open()
        await talk(bad, np.concatenate([speech([5, 6, CRASH]), silence(1)]))
        with pytest.raises(EngineCrashedError):
            async for _ in bad.hypotheses():
                pass
        await talk(good.stream, np.concatenate([speech(NUMBERS[20:]), silence(1)]))
        await good.stream.finish()
        await good.end()
        assert good.said == SAID


async def test_a_hanging_engine_is_ended_and_its_audio_refused(start_host: StartHost) -> None:
    host = await start_host(call_seconds=0.7)
    with pytest.raises(EngineCrashedError):
        await host.recognizer("scripted").transcribe(speech([5, HANG, 6]))
    assert (await host.recognizer("scripted").transcribe(speech([5, 6]))).text == "w5 w6"


async def test_an_engine_that_takes_all_memory_is_ended_and_its_audio_refused(
    start_host: StartHost,
) -> None:
    host = await start_host(memory_bytes=400 * 1024**2)
    with pytest.raises((EngineCrashedError, RecognitionError)):
        await host.recognizer("scripted").transcribe(speech([5, BLOAT, 6]))
    assert (await host.recognizer("scripted").transcribe(speech([5, 6]))).text == "w5 w6"


async def test_past_its_capacity_a_new_stream_is_told_when_to_come_back(
    start_host: StartHost,
) -> None:
    host = await start_host(max_live=2)
    async with listening(host) as first, listening(host):
        with pytest.raises(EngineBusyError) as busy:
            await host.live_recognizer("scripted").open()
        assert busy.value.status == 503
        assert int(busy.value.headers["Retry-After"]) > 0
        await first.stream.finish()
        await first.end()
        async with listening(host):
            pass
    assert (await host.snapshot())["refused"] == 1


async def test_capacity_is_measured(start_host: StartHost) -> None:
    host = await start_host(quick_seconds=0.05, full_seconds=0.2)
    await host.load("scripted")
    model = (await host.snapshot())["models"]["scripted"]
    assert model["costs"]["quick"] == pytest.approx(0.05, abs=0.03)
    # two workers at nine tenths, over 0.8 x (0.05 / 0.9 + 0.2 / 8)
    assert 15 <= model["capacity"] <= 30


async def test_cancelled_work_leaves_the_host(start_host: StartHost) -> None:
    host = await start_host(full_seconds=0.3)
    work = asyncio.create_task(host.recognizer("scripted").transcribe(speech(NUMBERS * 10)))
    stream = await host.live_recognizer("scripted").open()
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    await stream.cancel()
    snapshot = await host.snapshot()
    assert snapshot["files"] == snapshot["streams"] == 0


async def test_what_is_cancelled_while_its_model_loads_never_opens(start_host: StartHost) -> None:
    host = await start_host(load_seconds=0.5)
    opening = asyncio.create_task(host.live_recognizer("scripted").open())
    file = asyncio.create_task(host.recognizer("scripted").transcribe(speech([5])))
    await host.snapshot()
    opening.cancel()
    file.cancel()
    await asyncio.gather(opening, file, return_exceptions=True)
    await host.load("scripted")
    snapshot = await host.snapshot()
    assert snapshot["files"] == snapshot["streams"] == 0


async def test_a_model_nobody_knows_is_a_clear_error(start_host: StartHost) -> None:
    host = await start_host()
    with pytest.raises(Exception, match="knows no model called 'nothing'"):
        await host.recognizer("nothing").transcribe(speech([5]))


async def test_a_host_that_cannot_start_says_so(start_host: StartHost) -> None:
    host = await start_host(detector="tests.fakes.nothing:Nothing")
    with pytest.raises(HostDownError):
        await host.recognizer("scripted").transcribe(speech([5]))


async def test_a_closed_host_fails_whoever_waits(start_host: StartHost) -> None:
    host = await start_host(full_seconds=1.5)
    work = asyncio.create_task(host.recognizer("scripted").transcribe(speech([5])))
    await running(host)
    pid = host.pid
    await host.close()
    with pytest.raises(HostDownError):
        await work
    assert pid is not None
    assert not psutil.pid_exists(pid)


async def test_streaming_engines_stream(start_host: StartHost) -> None:
    host = await start_host(streams=True)
    async with listening(host) as listener:
        await talk(listener.stream, speech([5, 6]))
        await listener.until(lambda one: one.shown == "w5 w6")
        assert listener.heard[-1].kind is HypothesisKind.PARTIAL
        await talk(listener.stream, np.concatenate([silence(1), speech([7])]))
        await listener.stream.finish()
        await listener.end()
        assert [final.text for final in listener.finals] == ["w5 w6", "w7"]


async def test_the_child_dies_with_its_parent(tmp_path: Path) -> None:
    program = tmp_path / "parent.py"
    program.write_text(
        """
import asyncio
from tertulia.speech.host.client import HostConfig, SpeechHost

async def main():
    host = SpeechHost(HostConfig({}, workers=1))
    await host.start()
    print(host.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, program, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    child = psutil.Process(int(await parent.stdout.readline()))
    parent.kill()
    await parent.wait()
    gone, _ = await asyncio.to_thread(psutil.wait_procs, [child], timeout=30)
    assert gone
