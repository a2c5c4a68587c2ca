"""Scripts spoken: words and times are known, and fit the sound."""

import io

import av
import pytest
from tests.demo.voices import QuickVoice

from tertulia.demo.domain import TAG, Line, Role, Script, scripts
from tertulia.demo.performing import LEAD_SECONDS, perform
from tertulia.speech.engines.espeak import EspeakVoice
from tertulia.transcripts.domain import Kind, tidy

pytestmark = pytest.mark.unit


def script(kind: Kind, *lines: tuple[int, str]) -> Script:
    roles = (Role("Agent", "p-1", "en-gb"), Role("Customer", "p-2", "en-us", pitch=1.25))
    said = tuple(Line(role, text) for role, text in lines)
    return Script("try", kind, "en", "A try", 1, (TAG,), roles, said)


async def test_words_keep_their_spelling_and_get_the_times_of_the_voice() -> None:
    heard = await perform(QuickVoice(), script(Kind.CALLS, (0, "It's at 10:30. Good — fine.")))
    first, second = heard.drafts
    assert first.text == "It's at 10:30."
    assert [word.text for word in first.words] == ["It's", "at", "10:30."]
    # the voice told of It, s, at, 10 and 30; a token begins with the first of what is in it
    starts = [word.start - LEAD_SECONDS for word in first.words]
    assert starts == pytest.approx([0.0, 0.2, 0.3], abs=0.002)
    assert [word.text for word in second.words] == ["Good", "—", "fine."]
    assert second.words[0].end == second.words[1].start, "a dash shares the time of its word"
    assert all(a.end <= b.start + 0.001 for a, b in zip(first.words, first.words[1:], strict=False))


async def test_call_has_a_channel_for_each_side_and_others_have_one() -> None:
    lines = (0, "Hello there."), (1, "Good morning.")
    call = await perform(QuickVoice(), script(Kind.CALLS, *lines))
    meeting = await perform(QuickVoice(), script(Kind.MEETINGS, *lines))
    assert [(d.speaker, d.person, d.channel) for d in call.drafts] == [
        ("Agent", "p-1", 0),
        ("Customer", "p-2", 1),
    ]
    assert [d.channel for d in meeting.drafts] == [None, None]
    for performed, channels in ((call, 2), (meeting, 1)):
        with av.open(io.BytesIO(performed.mp3)) as container:
            sound = container.streams.audio[0]
            assert sound.layout.nb_channels == channels
            last = performed.drafts[-1].end
            assert float(sound.duration * sound.time_base) == pytest.approx(last, abs=1.0)


async def test_higher_voice_is_asked_to_speak_slower() -> None:
    voice = QuickVoice()
    await perform(voice, script(Kind.CALLS, (0, "Hello."), (1, "Hello.")))
    assert [options.speed for options in voice.asked] == [1.0, 0.8]
    assert [options.voice for options in voice.asked] == ["en-gb", "en-us"]


def test_scripts_are_of_three_languages_and_tagged() -> None:
    found = scripts()
    assert {one.language for one in found} == {"es", "ru", "en"}
    assert all(TAG in one.tags for one in found)
    assert all(line.role < len(one.roles) for one in found for line in one.lines)
    assert len({one.source_id for one in found}) == len(found)


async def test_offline_voices_speak_every_role() -> None:
    voices = {voice.id for voice in await EspeakVoice().voices()}
    assert {role.voice for one in scripts() for role in one.roles} <= voices


async def test_drafts_can_be_kept_as_they_are() -> None:
    for one in scripts():
        performed = await perform(QuickVoice(), one)
        assert [tidy(draft) for draft in performed.drafts] == list(performed.drafts)
