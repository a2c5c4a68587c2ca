"""One live session in the memory of the server that holds it: sound in, confirmed text out."""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np

from tertulia.doors.live import protocol
from tertulia.doors.live.commits import SessionTakenError
from tertulia.doors.live.confirming import Confirming
from tertulia.doors.live.domain import (
    MOST_CHUNK_BYTES,
    MOST_CHUNKS,
    EndReason,
    LogEntry,
    Progress,
    Restart,
    StateMachine,
    Status,
    StreamingSession,
)
from tertulia.doors.live.errors import Close, Code, LiveError
from tertulia.doors.live.formats import Form, parse_mime
from tertulia.doors.live.hearing import Hearing, options_of
from tertulia.doors.live.intake import Intake, PlainIntake, open_intake
from tertulia.doors.live.kept import KeptAudio
from tertulia.doors.live.pace import Pace
from tertulia.doors.live.plain import MOST_KEPT_SAMPLES, PlainWay
from tertulia.doors.live.ports import Outlet, Ports
from tertulia.doors.live.store import Report
from tertulia.doors.live.window import SequenceWindow
from tertulia.kernel.errors import TertuliaError
from tertulia.speech.decoding.errors import DecoderStoppedError
from tertulia.speech.domain import SAMPLE_RATE_HZ, Samples
from tertulia.speech.host.errors import EngineBusyError
from tertulia.transcripts.errors import TranscriptMissingError

log = logging.getLogger(__name__)

PAUSE_SAMPLES = SAMPLE_RATE_HZ
"""Silence put in at a pause, so that what was said before is confirmed at once."""
FINISH_SECONDS = 180.0
STOP_SECONDS = 10.0
"""How long a `stop_recording` waits for the last chunks."""
ASK_SECONDS = 2.0
"""How often missing chunks are asked for."""
GAP_SECONDS = 10.0


class RunningSession:
    """See the module. Everything here runs on the event loop; nothing of it waits for an engine."""

    def __init__(self, session: StreamingSession, ports: Ports) -> None:
        self.id = session.session_id
        self.transcript_id = session.transcript_id
        self.session = session
        self.ports = ports
        self.state = StateMachine(session.status, session.left)
        self.pace = Pace(ports.clock.monotonic(), session.progress.chunks)
        self.kept = KeptAudio(session.progress.heard, session.progress.spans)
        self.window = SequenceWindow(max(session.progress.restart.seq, session.progress.epoch_seq))
        self.outlet: Outlet | None = None
        self.durable = session.progress
        self.epoch, self.epoch_seq = session.progress.epoch, session.progress.epoch_seq
        self.lost = False
        """Whether another server has it, or it ended: nothing may be done with it here any more."""
        clock = ports.clock
        self.active_at = clock.now()
        self.disconnected_at: float | None = clock.monotonic()
        self.stop_at: tuple[int, float] | None = None
        self.gap_since: float | None = None
        self.asked_at = float("-inf")
        self._form = parse_mime(session.mime_type)
        self._intake: Intake | None = None
        self._restart = session.progress.restart
        self._skip = 0
        self._most_samples = session.duration_limit * SAMPLE_RATE_HZ
        self.plain: PlainWay | None = None
        """There while what comes next may be taken on the short way."""
        self._queue: deque[tuple[int, bytes]] = deque()
        self._draining = asyncio.Lock()
        self._ending: asyncio.Task[None] | None = None
        self.confirming = Confirming(self, ports.commits, clock)
        self.hearing = Hearing(
            ports.open_live, options_of(session), session.engine, self.kept, clock,
            told=self.confirming.heard, trouble=self._trouble,
        )  # fmt: skip
        self._committer: asyncio.Task[None] | None = None

    # Beginning

    async def start(self) -> None:
        """Opens what reads the sound; the engine is opened beside it."""
        begin, header = self.session.beginning
        self._intake = await open_intake(self._form, self.ports.open_decoder, begin, header)
        self._restart = begin
        self._skip = max(0, self.kept.heard - begin.position)
        self.hearing.start()
        self._committer = asyncio.create_task(self._commit(), name="live: confirm")

    async def new_epoch(self, form: Form | None) -> None:
        """Another recorder goes on: closes what there is of the one before."""
        self.plain = None
        async with self._draining:
            await self._drain()
            assert self._intake is not None
            self._hear(await self._intake.finish())
            await self._intake.close()
            self.epoch += 1
            self.epoch_seq = self.window.received
            self.window = SequenceWindow(self.epoch_seq)
            self._form = form or self._form
            begin = Restart(self.epoch_seq, 0, self.kept.end)
            self._intake = await open_intake(self._form, self.ports.open_decoder, begin)
            self._skip = 0

    @property
    def mime_type(self) -> str:
        return self._form.mime_type

    # Sound

    def _settle(self) -> None:
        """Opens the short way, where nothing stands in it."""
        settled = (
            self.state.status is Status.RECORDING
            and not (self.window.waiting or self._skip or self._queue)
            and self.stop_at is None
            and self._ending is None
            and not self.lost
        )
        if settled and isinstance(self._intake, PlainIntake):
            self.plain = PlainWay(
                self._intake, self.window, self.kept, self.pace, self.hearing, self._most_samples
            )

    def offer(self, seq: int, payload: bytes) -> bool:
        """Takes a chunk into memory; says whether there is something to feed."""
        if len(payload) > MOST_CHUNK_BYTES:
            raise protocol.too_large(seq)
        if not payload:
            raise LiveError(Code.INVALID_FORMAT, "The chunk is empty.", sequence_number=seq)
        self.plain = None
        if self._ending is not None:
            return False
        if self.kept.samples > MOST_KEPT_SAMPLES:
            raise LiveError(
                Code.MEMORY_LIMIT,
                "More sound waits for the engine than is kept. Wait, then send from here on.",
                received_seq=self.window.received,
            )
        ready = self.window.offer(seq, payload)
        now = self.ports.clock.monotonic()
        self.pace.last_activity = now
        if not ready:
            if self.window.waiting and self.gap_since is None:
                self.gap_since = now
            return False
        if not self.window.waiting:
            self.gap_since = None
        status = self.state.status
        if status is Status.CONNECTED or (status is Status.PAUSED and seq > self._paused_at):
            self.move(Status.RECORDING)
        self._queue.extend(ready)
        return True

    _paused_at = 0

    async def feed(self) -> None:
        """Gives the engine what was taken, in order, whoever took it."""
        if self._draining.locked():
            return  # whoever is at it takes this too
        await self._draining.acquire()
        try:
            await self._drain()
            self._settle()
        finally:
            self._draining.release()

    async def _drain(self) -> None:
        intake, now = self._intake, self.ports.clock.monotonic()
        assert intake is not None
        while self._queue:
            seq, payload = self._queue.popleft()
            try:
                samples = await intake.feed(seq, payload)
            except DecoderStoppedError:
                self.drop(Close.FAULT, Code.CONNECTION_LOST, "The decoder was started anew.")
                return
            except (LiveError, TertuliaError) as error:
                self._unreadable(error)
                return
            self.pace.chunks += 1
            self.pace.arrivals.append((intake.position, seq, now))
            if self._skip:
                samples = self._past_what_was_heard(samples)
            if len(samples):
                self.hearing.add(samples)
        self._limits()

    def _hear(self, samples: Samples) -> None:
        samples = self._past_what_was_heard(samples)
        if len(samples):
            self.hearing.add(samples)

    def _past_what_was_heard(self, samples: Samples) -> Samples:
        """After a restart, without what lies before the place up to which everything is in finals."""
        skipped = min(self._skip, len(samples))
        self._skip -= skipped
        return samples[skipped:]

    def _limits(self) -> None:
        if self.kept.end >= self._most_samples:
            self.finish(EndReason.DURATION_LIMIT)
        elif self.pace.chunks >= MOST_CHUNKS:
            self.finish(EndReason.CHUNK_LIMIT)
        elif self.stop_at is not None and self.window.received >= self.stop_at[0]:
            self.finish(EndReason.STOPPED)

    def _unreadable(self, error: LiveError | TertuliaError) -> None:
        self._queue.clear()
        if isinstance(error, TertuliaError):
            error = LiveError(Code.UNSUPPORTED_FORMAT, error.detail, reason=error.code)
        self.complain(error)
        self.finish(EndReason.UNREADABLE_AUDIO)

    # What the client asks

    async def pause(self) -> None:
        """Confirms what was said so far."""
        if self.state.status not in (Status.CONNECTED, Status.RECORDING):
            return
        self.pace.last_activity = self.ports.clock.monotonic()
        self._paused_at = self.window.received
        self.move(Status.PAUSED)
        async with self._draining:
            await self._drain()
            if self.kept.samples and self._intake is not None and not self.lost:
                self._intake.shift(PAUSE_SAMPLES)
                self.hearing.add(np.zeros(PAUSE_SAMPLES, np.float32))

    def resume(self) -> None:
        self.pace.last_activity = self.ports.clock.monotonic()
        if self.state.status is Status.PAUSED:
            self.move(Status.RECORDING)

    def stop(self, last_seq: int | None) -> None:
        """Ends it once the last chunk is here."""
        now = self.ports.clock.monotonic()
        self.pace.last_activity = now
        if last_seq is None or last_seq <= self.window.received:
            self.finish(EndReason.STOPPED)
        else:
            self.stop_at = (last_seq, now + STOP_SECONDS)
            self.plain = None

    # State

    def move(self, status: Status, reason: str | None = None) -> None:
        """Changes the state and tells of it."""
        before = self.state.to(status)
        self._told_status(before, reason)

    def back(self) -> None:
        """From `reconnecting` to the state before."""
        if self.state.status is Status.RECONNECTING:
            self.state.back()
            self._told_status(Status.RECONNECTING, None)

    def _told_status(self, before: Status, reason: str | None) -> None:
        self.plain = None
        now = self.ports.clock.now()
        status = self.state.status.value
        data = {
            "status": status,
            "previous": before.value,
            "reason": reason,
            "at": now.isoformat(),
        }
        self.tell("status", data, listeners=True)
        self.note(status, reason)

    def note(self, event: str, code: str | None = None, **numbers: float) -> None:
        """Writes to the session's log, and how far it is."""
        self.ports.commits.note(self.report())
        self.ports.commits.log(
            LogEntry(
                self.id,
                self.ports.clock.now(),
                event,
                code,
                {**numbers, "chunks": self.pace.chunks},
            )
        )

    def report(self) -> Report:
        self.active_at = self.ports.clock.now()
        return Report(
            session_id=self.id,
            term=self.session.term,
            status=self.state.status,
            left=self.state.left,
            progress=self._progress(),
            last_activity=self.active_at,
            provider=self.confirming.provider,
            language=self.confirming.language,
            header=self._intake.header if self._intake is not None else self.session.header,
        )

    def _progress(self) -> Progress:
        heard = self.kept.heard
        if self._intake is not None:
            restart = self._intake.restart(heard)
            # a new epoch begins behind sound of the one before that may not be confirmed yet
            if restart.position <= heard:
                self._restart = restart
        return Progress(
            restart=self._restart,
            heard=heard,
            spans=self.kept.spans,
            received_seq=self.window.received,
            chunks=self.pace.chunks,
            position=self.kept.end,
            epoch=self.epoch,
            epoch_seq=self.epoch_seq,
        )

    def committed(self, progress: Progress) -> None:
        """`progress` is durable."""
        before, self.durable = self.durable.committed_seq, progress
        if progress.committed_seq > before and self.outlet is not None:
            self.outlet.ack(self.window.received, progress.committed_seq)

    # Telling

    def tell(self, event: str, data: Mapping[str, Any], *, listeners: bool = False) -> None:
        if self.outlet is not None:
            self.outlet.tell(event, data)
        if listeners:
            self.ports.publish(self, event, data)

    def complain(self, error: LiveError) -> None:
        self.pace.errors += 1
        self.tell("error", protocol.error_data(error))
        self.ports.commits.log(LogEntry(self.id, self.ports.clock.now(), "error", error.code.value))

    def suffix(self) -> str:
        """Engines that count their utterances begin anew when they are opened again."""
        first = self.session.term <= 1 and self.hearing.opened <= 1
        return "" if first else f".{self.session.term}.{self.hearing.opened}"

    async def _trouble(self, error: TertuliaError, last: bool) -> None:
        busy = isinstance(error, EngineBusyError)
        self.complain(
            LiveError(
                Code.HARDWARE_ERROR if busy else Code.PROCESSING_ERROR,
                error.detail,
                reason=error.code,
                final=last,
            )
        )
        if last:
            self.finish(EndReason.ENGINE_FAILED)

    # Ending

    def finish(self, reason: EndReason) -> None:
        """Begins the end: everything heard is made text first."""
        self.plain = None
        if self._ending is None and not self.lost:
            self._ending = asyncio.create_task(self._end(reason), name="live: end")

    async def _end(self, reason: EndReason) -> None:
        try:
            if self.state.status is not Status.FINALIZING:
                self.move(Status.FINALIZING, reason.value)
            await self._read_to_the_end()
            await self.ports.complete(self, reason)
        except SessionTakenError:
            self.drop(Close.SUPERSEDED, Code.SUPERSEDED, "Another connection has the session.")
        except Exception:
            # The row says `finalizing`: the sweep ends it once nobody touches it any more.
            log.exception("a live session could not be ended")
            self.drop(Close.FAULT, Code.INTERNAL_ERROR, "The session could not be saved yet.")

    async def _read_to_the_end(self) -> None:
        async with self._draining:
            await self._drain()
            if self._intake is not None:
                try:
                    self._hear(await self._intake.finish())
                except TertuliaError as error:
                    log.warning("the end of a recording was unreadable", extra={"code": error.code})
        if not self.hearing.failed:
            try:
                async with asyncio.timeout(FINISH_SECONDS):
                    await self.hearing.finish()
            except TimeoutError:
                log.warning("an engine did not finish a live session")
        if self._committer is not None and not self._committer.done():
            flushed = asyncio.ensure_future(self.confirming.flush())
            await asyncio.wait({flushed, self._committer}, return_when=asyncio.FIRST_COMPLETED)
            flushed.cancel()

    async def _commit(self) -> None:
        try:
            await self.confirming.run()
        except SessionTakenError:
            self.drop(Close.SUPERSEDED, Code.SUPERSEDED, "Another connection has the session.")
        except TranscriptMissingError:
            self.finish(EndReason.TRANSCRIPT_REMOVED)
        except Exception:
            log.exception("the text of a live session could not be written")
            self.drop(Close.FAULT, Code.INTERNAL_ERROR, "The text could not be written.")

    def drop(self, close: Close, code: Code, message: str) -> None:
        """Lets the session go without an end: it goes on elsewhere, or here from what is durable."""
        if self.lost:
            return
        self.lost, self.plain = True, None
        outlet, self.outlet = self.outlet, None
        if outlet is not None:
            outlet.end(close, "error", protocol.error_data(LiveError(code, message)))
        self.ports.leave(self)

    async def close(self) -> None:
        """Frees what it holds."""
        self.lost, self.plain = True, None
        current = asyncio.current_task()
        for task in (self._committer, self._ending):
            if task is not None and task is not current:
                task.cancel()
        await self.hearing.cancel()
        if self._intake is not None:
            await self._intake.close()
