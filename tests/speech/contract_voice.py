"""What every voice promises; a test module subclasses this and gives its own `voice` fixture."""

import asyncio
import contextlib

import numpy as np
import pytest

from tertulia.speech.domain import SpeechChunk, SpeechOptions, Voice

TEXT = "Good morning to all of you. This is the second sentence, and it is longer. And a third."


async def spoken(
    voice: Voice, text: str, options: SpeechOptions = SpeechOptions()
) -> list[SpeechChunk]:
    return [chunk async for chunk in voice.speak(text, options)]


def seconds(chunks: list[SpeechChunk]) -> float:
    return sum(len(c.pcm16) / 2 / c.sample_rate_hz for c in chunks)


class VoiceContract:
    """Subclass it, and give a `voice` fixture."""

    knows_speed = True

    async def test_speaks_whole_samples_at_one_rate(self, voice: Voice) -> None:
        chunks = await spoken(voice, TEXT)
        assert chunks
        assert all(len(c.pcm16) % 2 == 0 for c in chunks)
        assert len({c.sample_rate_hz for c in chunks}) == 1
        assert seconds(chunks) > 0.2

    async def test_is_not_silent(self, voice: Voice) -> None:
        samples = b"".join(c.pcm16 for c in await spoken(voice, TEXT))
        assert np.abs(np.frombuffer(samples, dtype="<i2")).max() > 500

    @pytest.mark.parametrize("text", ["", "   ", "\n\n"])
    async def test_nothing_to_say_is_no_sound(self, voice: Voice, text: str) -> None:
        assert await spoken(voice, text) == []

    async def test_words_if_known_are_in_order_and_inside_the_audio(self, voice: Voice) -> None:
        chunks = await spoken(voice, TEXT)
        words = [w for c in chunks for w in c.words]
        assert bool(words) == voice.capabilities.words
        assert all(w.start < w.end for w in words)
        assert [w.start for w in words] == sorted(w.start for w in words)
        assert not words or words[-1].end <= seconds(chunks) + 0.01

    async def test_twice_as_fast_is_shorter(self, voice: Voice) -> None:
        normal = seconds(await spoken(voice, TEXT))
        fast = seconds(await spoken(voice, TEXT, SpeechOptions(speed=2.0)))
        assert (fast < normal * 0.8) == self.knows_speed

    async def test_people_who_speak_at_once_are_not_mixed(self, voice: Voice) -> None:
        alone = [await spoken(voice, t) for t in ("One two three.", "Nine ten eleven twelve.")]
        together = await asyncio.gather(
            *(spoken(voice, t) for t in ("One two three.", "Nine ten eleven twelve."))
        )
        assert [round(seconds(c), 1) for c in together] == [round(seconds(c), 1) for c in alone]

    async def test_stopping_early_leaves_the_voice_usable(self, voice: Voice) -> None:
        async with contextlib.aclosing(voice.speak(TEXT)) as pieces:  # type: ignore[type-var]
            async for _ in pieces:
                break
        assert await spoken(voice, "Still here.")

    async def test_voices_have_distinct_ids(self, voice: Voice) -> None:
        ids = [v.id for v in await voice.voices()]
        assert len(ids) == len(set(ids))

    async def test_an_unknown_voice_still_speaks(self, voice: Voice) -> None:
        assert await spoken(voice, "Hello.", SpeechOptions(voice="nobody-has-this-voice"))

    async def test_closing_twice_is_fine(self, voice: Voice) -> None:
        await voice.close()
        await voice.close()
