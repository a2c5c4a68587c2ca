"""Calling engines: the only place of the host where native code works."""

import time
from typing import Any

import numpy as np

from tertulia.speech.domain import SAMPLE_RATE_HZ, RecognitionOptions
from tertulia.speech.host.capacity import Kind
from tertulia.speech.host.files import FileWindow
from tertulia.speech.host.models import LoadedModel
from tertulia.speech.host.scheduler import Batch
from tertulia.speech.host.work import FileJob, LiveSession
from tertulia.speech.live import FeedRequest, feed
from tertulia.speech.local import LocalModel, Window

NOISE_SECONDS = 5


def call(batch: Batch) -> list[Any]:
    """Has the engine do the batch."""
    first = batch.items[0]
    if isinstance(first.request, FeedRequest):
        assert isinstance(first.owner, LiveSession)
        assert first.owner.stream is not None
        return [feed(first.owner.stream, first.request)]
    with batch.model.lease() as engine:
        if isinstance(first.owner, FileJob) and first.owner.reader.whole:
            assert isinstance(first.request, FileWindow)
            window = first.request.window
            return [engine.transcribe(window.samples, window.options)]
        windows = [i.request.window for i in batch.items if not isinstance(i.request, FeedRequest)]
        return list(engine.read(windows))


def warm_up(model: LoadedModel) -> None:
    """Reads noise once to wake the engine, and again to measure what a partial and a final cost."""
    noise = (
        np.random.default_rng(1).standard_normal(NOISE_SECONDS * SAMPLE_RATE_HZ).astype(np.float32)
        * 0.05
    )
    able = model.first.capabilities
    options = RecognitionOptions(language="en" if able.speaks("en") else min(able.languages))
    stream = model.first.stream(options) if able.streaming else None
    if stream is not None:
        began = time.perf_counter()
        stream.accept(noise[: 2 * SAMPLE_RATE_HZ])
        stream.finish()
        model.costs.observe(Kind.FEED, (time.perf_counter() - began) / 2)
        return
    with model.lease() as engine:
        for quick, kind in ((True, Kind.QUICK), (False, Kind.FULL)):
            window = Window(noise, options, quick)
            taken = [_timed(engine, window) for _ in range(3)]
            model.costs.observe(kind, min(taken))


def _timed(engine: LocalModel, window: Window) -> float:
    began = time.perf_counter()
    engine.read([window])
    return time.perf_counter() - began
