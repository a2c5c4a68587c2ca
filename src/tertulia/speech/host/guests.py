"""What the server has at its speech host, each able to move to the next host when this one dies."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any, Protocol

from tertulia.speech.domain import (
    SAMPLE_RATE_HZ,
    Hypothesis,
    HypothesisKind,
    Recognition,
    RecognitionOptions,
    Samples,
)
from tertulia.speech.host import wire
from tertulia.speech.host.errors import EngineCrashedError, from_wire
from tertulia.speech.host.files import AHEAD_SAMPLES
from tertulia.speech.host.wire import AUDIO_BLOCK_SAMPLES, Message, Op
from tertulia.speech.listening import listener

FATAL_STRIKES = 2
"""So often may audio be in the engine's hands when the host dies; then it is refused."""
CONTEXT_CHARACTERS = 200

Send = Callable[[Message], None]


class Guest(Protocol):
    """Something of the server's that lives in the host under a number."""

    number: int

    def move(self, send: Send | None) -> None:
        """A host is there (again), or has gone."""
        ...

    def struck(self) -> None:
        """The host died while it worked on this."""
        ...

    def received(self, message: Message) -> None: ...

    def fail(self, error: Exception) -> None: ...

    @property
    def served(self) -> bool:
        """Whether the host has answered to the end, so that it need not be told to stop."""
        ...


class Question:
    """A request with one answer; asked again when the host dies."""

    def __init__(self, op: Op, number: int, body: Any = None) -> None:
        self.number = number
        self._message = Message(op, number, body)
        self._strikes = 0
        self.answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def move(self, send: Send | None) -> None:
        if send is not None and not self.answer.done():
            send(self._message)

    def struck(self) -> None:
        self._strikes += 1
        if self._strikes >= FATAL_STRIKES:
            self.fail(EngineCrashedError("The speech engine does not survive being loaded."))

    def received(self, message: Message) -> None:
        if self.answer.done():
            return
        if message.op is Op.FAILED:
            self.answer.set_exception(from_wire(message.body))
        elif message.op is Op.ANSWER:
            self.answer.set_result(message.body)

    def fail(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)

    @property
    def served(self) -> bool:
        return self.answer.done() and not self.answer.cancelled()


class FileGuest(Question):
    """A file being read; its audio goes over as the host asks for it."""

    def __init__(
        self, number: int, model: str, samples: Samples, options: RecognitionOptions
    ) -> None:
        body = {
            "model": model,
            "options": wire.options_to_wire(options),
            "samples": len(samples),
            "alone": False,
        }
        super().__init__(Op.FILE, number, body)
        self._samples = samples
        self._sent = 0
        self._send: Send | None = None
        self._heard = listener()

    def move(self, send: Send | None) -> None:
        self._send, self._sent = send, 0
        super().move(send)

    def struck(self) -> None:
        self._message.body["alone"] = True
        self._strikes += 1
        if self._strikes >= FATAL_STRIKES:
            self.fail(
                EngineCrashedError(
                    "This audio ended the speech engine twice and is refused. Try another engine."
                )
            )

    def received(self, message: Message) -> None:
        if message.op is Op.MORE and self._send is not None:
            self._hand_over(message.body)
        else:
            super().received(message)

    def _hand_over(self, wanted: int) -> None:
        assert self._send is not None
        until = min(self._sent + wanted, len(self._samples))
        while self._sent < until:
            end = min(self._sent + AUDIO_BLOCK_SAMPLES, until)
            block = wire.samples_to_wire(self._samples[self._sent : end])
            self._send(Message(Op.AUDIO, self._message.id, block))
            self._sent = end
        if self._heard is not None and self._sent > AHEAD_SAMPLES:
            # the host asks for more as its workers take what it has
            self._heard((self._sent - AHEAD_SAMPLES) / len(self._samples))

    async def recognition(self) -> Recognition:
        return wire.recognition_from_wire(await self.answer)


class HostStream:
    """A live stream: keeps the audio past what is confirmed, so that the next host can hear it again."""

    def __init__(
        self, number: int, model: str, options: RecognitionOptions, offset_seconds: float
    ) -> None:
        self.number = number
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.left: Callable[[], None] = lambda: None
        self._model = model
        self._options = options
        self._offset = offset_seconds
        self._confirmed = offset_seconds
        self._context = ""
        self._kept: deque[Samples] = deque()
        self._kept_from = 0
        self._kept_samples = 0
        self._send: Send | None = None
        self._joined = False
        self._finishing = False
        self._ended = False
        self._served = False
        self._strikes = 0
        self._struck_at = -1.0
        self._alone_samples = 0
        self._again = False
        self._shown: dict[str, Hypothesis] = {}
        self._orphans: list[Hypothesis] = []
        self._names: dict[str, str] = {}
        self._heard: asyncio.Queue[Hypothesis | Exception | None] = asyncio.Queue()

    async def send(self, samples: Samples) -> None:
        if self._ended or self._finishing:
            return
        self._kept.append(samples)
        self._kept_samples += len(samples)
        if self._joined:
            self._tell(Op.AUDIO, wire.samples_to_wire(samples))

    async def hypotheses(self) -> AsyncIterator[Hypothesis]:
        while True:
            heard = await self._heard.get()
            if heard is None:
                return
            if isinstance(heard, Exception):
                raise heard
            yield heard

    async def finish(self) -> None:
        self._finishing = True
        if self._joined:
            self._tell(Op.FINISH)

    async def cancel(self) -> None:
        self._end(None)

    @property
    def served(self) -> bool:
        return self._served

    def move(self, send: Send | None) -> None:
        self._send, self._joined = send, False
        if send is None:
            self._orphans += self._shown.values()
            self._shown.clear()
            self._names.clear()
            return
        body = {
            "model": self._model,
            "options": wire.options_to_wire(self._options),
            "offset": self._confirmed,
            "context": self._context,
            "again": self._again,
            "alone_until": self._alone_samples,
        }
        self._tell(Op.OPEN, body)

    def struck(self) -> None:
        self._strikes = self._strikes + 1 if self._confirmed <= self._struck_at else 1
        self._struck_at = self._confirmed
        self._alone_samples = self._kept_samples
        if self._strikes >= FATAL_STRIKES:
            self.fail(
                EngineCrashedError(
                    "The audio of this stream ended the speech engine twice and is refused. "
                    "Try another engine."
                )
            )

    def received(self, message: Message) -> None:
        if message.op is Op.HEARD:
            for body in message.body:
                self._take(wire.hypothesis_from_wire(body))
        elif message.op is Op.ANSWER:
            self._join()
        elif message.op is Op.FINISHED:
            self._withdraw(until=float("inf"))
            self._served = True
            self._end(None)
        elif message.op is Op.FAILED:
            self.fail(from_wire(message.body))

    def fail(self, error: Exception) -> None:
        if not self.opened.done():
            self.opened.set_exception(error)
        self._end(error)

    def _join(self) -> None:
        """The host has opened the stream: what is not confirmed goes over, then whatever comes."""
        self._joined = self._again = True
        for samples in self._kept:
            self._tell(Op.AUDIO, wire.samples_to_wire(samples))
        if self._finishing:
            self._tell(Op.FINISH)
        if not self.opened.done():
            self.opened.set_result(None)

    def _take(self, heard: Hypothesis) -> None:
        if heard.utterance_id:
            heard = self._renamed(heard)
            if heard.kind is HypothesisKind.PARTIAL:
                self._shown[heard.utterance_id] = heard
            else:
                self._shown.pop(heard.utterance_id, None)
                said = f"{self._context} {heard.text}".strip()
                self._context = said[-CONTEXT_CHARACTERS:]
        if heard.heard_until > self._confirmed:
            self._confirmed = heard.heard_until
            self._forget()
            self._withdraw(self._confirmed)
        self._heard.put_nowait(heard)

    def _renamed(self, heard: Hypothesis) -> Hypothesis:
        """After a crash, what was partial keeps its name, even if its beginning is now heard a frame apart."""
        for orphan in self._orphans:
            if heard.start < orphan.end and heard.end > orphan.start:
                self._names[heard.utterance_id] = orphan.utterance_id
                self._orphans.remove(orphan)
                break
        name = self._names.get(heard.utterance_id, heard.utterance_id)
        return replace(heard, utterance_id=name)

    def _withdraw(self, until: float) -> None:
        """Takes back partials that the next host did not hear."""
        for orphan in [orphan for orphan in self._orphans if orphan.end <= until]:
            self._orphans.remove(orphan)
            empty = replace(orphan, kind=HypothesisKind.FINAL, text="", words=())
            self._heard.put_nowait(replace(empty, heard_until=self._confirmed))

    def _forget(self) -> None:
        """Drops the audio that lies before what is confirmed."""
        place = round((self._confirmed - self._offset) * SAMPLE_RATE_HZ)
        while self._kept and self._kept_from < place:
            first = self._kept[0]
            over = min(place - self._kept_from, len(first))
            if over == len(first):
                self._kept.popleft()
            else:
                self._kept[0] = first[over:]
            self._kept_from += over
            self._kept_samples -= over

    def _tell(self, op: Op, body: Any = None) -> None:
        if self._send is not None:
            self._send(Message(op, self.number, body))

    def _end(self, last: Exception | None) -> None:
        if not self._ended:
            self._ended = True
            self._heard.put_nowait(last)
            self._kept.clear()
            self._kept_samples = 0
            self.left()
