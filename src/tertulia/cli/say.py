"""`tertulia say`: a recording in, a bot's answer out, in text and in sound."""

from contextlib import aclosing
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.markup import escape

from tertulia.bots.result import Heard, Wrote
from tertulia.cli.hall import SpaceOption
from tertulia.cli.talking import BotOption, caller, language_code, play, player, talking
from tertulia.cli.terminal import AsJson, Data, run
from tertulia.cli.writing import writable, write
from tertulia.doors.voice.domain import AudioSession, VoiceAsked
from tertulia.doors.voice.protocol import TurnOut
from tertulia.doors.voice.service import Answered
from tertulia.kernel.errors import InvalidRequestError, TertuliaError
from tertulia.kernel.ids import new_id
from tertulia.speech.encoding import AudioFormat

SUFFIXES = {f.suffix: f for f in AudioFormat if f is not AudioFormat.PCM}


def say(
    file: Annotated[
        Path, typer.Argument(help="A recording of what is asked.", exists=True, dir_okay=False)
    ],
    bot: BotOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            dir_okay=False,
            help="Where the spoken answer is written: .mp3 .ogg .wav .flac .aac",
        ),
    ] = None,
    language: Annotated[
        str | None, typer.Option("--language", help="The language spoken, as a code or a name.")
    ] = None,
    user: Annotated[
        str | None, typer.Option("--user", help="Who asks, as they are called elsewhere.")
    ] = None,
    space: SpaceOption = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Asks a bot with a recording; plays the answer where a player is installed, or writes it with --out."""

    async def work() -> None:
        form = _format(out)
        writable(out)
        async with talking(data, as_json=as_json) as services:
            async with services.database.transaction() as tx:
                who = await caller(services, tx, space)
            asked = VoiceAsked(
                caller=who,
                corr_id=str(new_id()),
                audio=file,
                mime_type="application/octet-stream",
                bot=bot,
                language=language_code(language),
                user_external_id=user,
                audio_format=form,
            )
            session = await _asked(services, asked)
            sound = await _sound(services, session)
        if out is not None and sound:
            await write(out, sound)
        if as_json:
            services.out.json(TurnOut.of(session, None).model_dump(mode="json"))
            return
        _told(services, session, out if sound else None)
        if sound and out is None:
            await play(sound, form.suffix)

    run(work(), as_json=as_json)


async def _asked(services: Any, asked: VoiceAsked) -> AudioSession:
    """The answer; its words are printed while they are written."""
    writing = not services.out.as_json
    async with aclosing(cast(Any, services.talk.voice.answer(asked))) as events:
        async for event in events:
            if isinstance(event, Heard) and writing:
                services.out.say(f"[dim]{escape(event.text) or 'Nothing was said.'}[/dim]")
            elif isinstance(event, Wrote) and writing:
                services.out.out.print(event.text, end="", markup=False)
            elif isinstance(event, Answered):
                return event.session
    raise TertuliaError("The turn ended without an answer.")


async def _sound(services: Any, session: AudioSession) -> bytes:
    if not session.tts_available:
        return b""
    async with services.database.transaction() as tx:
        blob = await services.talk.voice.sound(tx, session, request=False)
    opened = await services.blobs.open(blob)
    async with aclosing(opened.chunks):
        return b"".join([chunk async for chunk in opened.chunks])


def _told(services: Any, session: AudioSession, out: Path | None) -> None:
    services.out.say("")
    stages = (
        ("heard", session.usage_stt_ms, session.provider_stt),
        ("thought", session.usage_llm_ms, session.provider_llm),
        ("spoke", session.usage_tts_ms, session.provider_tts),
    )
    said = ", ".join(f"{what} {ms} ms ({who})" for what, ms, who in stages if who)
    services.out.err.print(f"[dim]{said}[/dim]")
    if session.outcome_detail:
        services.out.err.print(f"[yellow]{session.outcome_detail}[/yellow]")
    if out is not None:
        services.out.err.print(f"[dim]The answer is in {escape(str(out))}[/dim]")
    elif session.tts_available and player() is None:
        services.out.err.print(
            "[dim]No player is installed; --out answer.mp3 keeps the sound.[/dim]"
        )


def _format(out: Path | None) -> AudioFormat:
    if out is None:
        return AudioFormat.WAV
    form = SUFFIXES.get(out.suffix.lower())
    if form is None:
        raise InvalidRequestError(f"--out: end the name in one of {', '.join(SUFFIXES)}.")
    return form
