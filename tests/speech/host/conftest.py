"""A speech host around the scripted engine."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tertulia.speech.domain import Hypothesis, HypothesisKind, LiveStream, Samples
from tertulia.speech.host.client import HostConfig, SpeechHost
from tertulia.speech.host.models import ModelSpec

ROOT = Path(__file__).resolve().parents[3]
MODEL = "tests.fakes.scripted_model:load"

StartHost = Callable[..., Awaitable[SpeechHost]]


@pytest.fixture
async def start_host(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StartHost]:
    """Starts hosts, and ends them with the test. Keywords are the engine's, or fields of `HostConfig`."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    hosts: list[SpeechHost] = []

    async def start(**given: Any) -> SpeechHost:
        fields = {k: given.pop(k) for k in list(given) if k in HostConfig.__dataclass_fields__}
        config = HostConfig(
            models={"scripted": ModelSpec(MODEL, given)},
            workers=2,
            detector="tests.fakes.scripted_model:LoudnessDetector",
        )
        host = SpeechHost(replace(config, **fields))
        hosts.append(host)
        await host.start()
        return host

    yield start
    for host in hosts:
        await host.close()


class Listener:
    """Collects what a stream hears, and lets a test wait for it."""

    def __init__(self, stream: LiveStream) -> None:
        self.heard: list[Hypothesis] = []
        self.stream = stream
        self._news = asyncio.Condition()
        self._task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async for hypothesis in self.stream.hypotheses():
            async with self._news:
                self.heard.append(hypothesis)
                self._news.notify_all()

    async def until(self, told: Callable[["Listener"], bool], seconds: float = 20) -> None:
        async with asyncio.timeout(seconds), self._news:
            await self._news.wait_for(lambda: told(self))

    async def end(self, seconds: float = 30) -> None:
        async with asyncio.timeout(seconds):
            await self._task

    @property
    def finals(self) -> list[Hypothesis]:
        return [h for h in self.heard if h.kind is HypothesisKind.FINAL]

    @property
    def said(self) -> list[str]:
        """The words of all finals, in order."""
        return [word for final in self.finals for word in final.text.split()]

    @property
    def shown(self) -> str:
        """The newest text."""
        return next((h.text for h in reversed(self.heard) if h.text), "")


async def talk(stream: LiveStream, audio: Samples, seconds: float = 0.1) -> None:
    """Sends everything at once, in packets."""
    for packet in np.split(audio, range(0, len(audio), round(seconds * 16_000))):
        await stream.send(packet)


@asynccontextmanager
async def listening(host: SpeechHost) -> AsyncIterator[Listener]:
    stream = await host.live_recognizer("scripted").open()
    listener = Listener(stream)
    try:
        yield listener
    finally:
        await stream.cancel()


async def running(host: SpeechHost) -> None:
    """Waits until a worker is busy; every look is a question to the host."""
    async with asyncio.timeout(20):
        while not (await host.snapshot())["running"]:
            pass
