"""The live policy, without clocks, threads or engines: tones in, words out."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.scripted_model import (
    LoudnessDetector,
    ScriptedModel,
    silence,
    speech,
    word,
    words_in,
)

from tertulia.speech.domain import Hypothesis, HypothesisKind, RecognitionOptions, Samples, Word
from tertulia.speech.live import LivePolicy, StreamDecoder, WindowDecoder, feed
from tertulia.speech.local import Reading, Window

pytestmark = pytest.mark.unit

Answer = Callable[[Window], Reading]


def read(window: Window) -> Reading:
    return Reading(words_in(window.samples), "en", 0.9)


def drive(
    audio: Samples,
    cuts: Sequence[int] = (),
    *,
    answer: Answer = read,
    lazy: random.Random | None = None,
    together: bool = False,
    decoder: WindowDecoder | None = None,
) -> list[Hypothesis]:
    """Feeds `audio` in pieces and reads whatever can be read after each; a lazy reader misses some turns."""
    decoder = decoder or WindowDecoder(LoudnessDetector())
    heard: list[Hypothesis] = []

    def work() -> None:
        while True:
            if decoder.final_since is not None:
                request = decoder.final_request(together=together)
            elif decoder.partial_since is not None:
                request = decoder.partial_request()
            else:
                return
            heard.extend(decoder.accept(request, answer(request.window)))

    for piece in np.split(audio, sorted(cuts)):
        heard += decoder.feed(piece)
        if lazy is None or lazy.random() < 0.5:
            work()
    heard += decoder.finish()
    work()
    assert decoder.finished
    return heard


def drive_stream(audio: Samples, cuts: Sequence[int] = ()) -> list[Hypothesis]:
    stream = ScriptedModel({"streams": True}).stream(RecognitionOptions())
    assert stream is not None
    decoder = StreamDecoder(LoudnessDetector())
    heard: list[Hypothesis] = []

    def work() -> None:
        while True:
            if decoder.final_since is not None:
                request = decoder.final_request()
            elif decoder.partial_since is not None:
                request = decoder.partial_request()
            else:
                return
            heard.extend(decoder.accept(request, feed(stream, request)))

    for piece in np.split(audio, sorted(cuts)):
        heard += decoder.feed(piece)
        work()
    heard += decoder.finish()
    work()
    assert decoder.finished
    return heard


def finals(heard: Sequence[Hypothesis]) -> list[tuple[str, float, float, str]]:
    return [
        (h.utterance_id, h.start, h.end, h.text) for h in heard if h.kind is HypothesisKind.FINAL
    ]


def said(heard: Sequence[Hypothesis]) -> list[str]:
    return [w for _, _, _, text in finals(heard) for w in text.split()]


def steps(audio: Samples, seconds: float = 0.1) -> list[int]:
    return list(range(0, len(audio), round(seconds * 16_000)))


CONVERSATION = np.concatenate(
    [
        silence(0.7),
        speech([5, 9, 31]),
        silence(1.3),
        speech(list(range(2, 60)) * 3),
        silence(0.9),
        word(12),
        silence(2.0),
        speech([7, 7, 8, 41, 6]),
    ]
)
SAID = [f"w{n}" for n in [5, 9, 31, *(list(range(2, 60)) * 3), 12, 7, 7, 8, 41, 6]]


@pytest.mark.parametrize("run", [drive, drive_stream])
def test_every_word_is_final_once_and_in_order(run: Callable[..., list[Hypothesis]]) -> None:
    assert said(run(CONVERSATION, steps(CONVERSATION))) == SAID


@pytest.mark.parametrize("run", [drive, drive_stream])
@given(data=st.data())
@settings(max_examples=12, deadline=None)
def test_the_size_of_packets_changes_no_final(
    run: Callable[..., list[Hypothesis]], data: st.DataObject
) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(CONVERSATION)), max_size=1000))
    assert finals(run(CONVERSATION, cuts)) == finals(run(CONVERSATION))


def test_a_thousand_cuts_and_a_slow_reader_change_no_final() -> None:
    chance = random.Random(5)
    cuts = [chance.randrange(len(CONVERSATION)) for _ in range(1000)]
    assert finals(drive(CONVERSATION, cuts, lazy=chance)) == finals(drive(CONVERSATION))


def test_partials_come_before_their_final_and_share_its_name() -> None:
    audio = np.concatenate([speech([5, 6, 7, 8, 9, 10]), silence(1)])
    heard = [h for h in drive(audio, steps(audio)) if h.utterance_id]
    assert {h.utterance_id for h in heard} == {"u00000000"}
    assert [h.kind for h in heard[:-1]] == [HypothesisKind.PARTIAL] * (len(heard) - 1)
    assert heard[-1].kind is HypothesisKind.FINAL
    assert heard[2].text.startswith("w5")


def test_heard_until_never_goes_back_and_follows_silence() -> None:
    audio = np.concatenate([speech([5, 6]), silence(30), speech([7]), silence(5)])
    heard = drive(audio, steps(audio))
    places = [h.heard_until for h in heard]
    assert places == sorted(places)
    assert len(audio) / 16_000 - places[-1] < 0.001
    idle = [h for h in heard if not h.utterance_id]
    assert len(idle) > 40
    assert all(h.text == "" for h in idle)


def test_heard_until_stays_before_what_has_no_final() -> None:
    audio = np.concatenate([silence(1), speech([5, 6, 7, 8])])
    heard = drive(audio, steps(audio))
    opened = next(h for h in heard if h.kind is HypothesisKind.PARTIAL and h.text)
    assert opened.heard_until <= opened.start


def test_a_monologue_is_cut_at_its_quietest_point() -> None:
    # Loud noise everywhere, but for one dip that is too short to be a pause.
    chance = np.random.default_rng(3)
    audio = (chance.standard_normal(40 * 16_000) * 0.2).astype(np.float32)
    audio[20 * 16_000 : 20 * 16_000 + 2400] *= 0.5
    cut = finals(drive(audio, steps(audio), answer=lambda window: Reading((Word("x", 0, 1),))))
    assert cut[0][2] == pytest.approx(20.08, abs=0.1)
    assert cut[1][1] == cut[0][2]
    assert all(end - start <= 25.04 for _, start, end, _ in cut)


def test_times_and_names_count_from_the_offset() -> None:
    audio = np.concatenate([silence(0.5), speech([5, 6]), silence(1)])
    decoder = WindowDecoder(LoudnessDetector(), offset_seconds=100.0)
    [(name, start, _, _)] = finals(drive(audio, decoder=decoder))
    assert start == pytest.approx(100.18, abs=0.04)
    assert name == f"u{round(start * 1000):08d}"


def test_windows_of_partials_stay_short() -> None:
    audio = np.concatenate([speech(list(range(2, 62))), silence(1)])
    lengths = []

    def measured(window: Window) -> Reading:
        if window.quick:
            lengths.append(len(window.samples) / 16_000)
        return read(window)

    drive(audio, steps(audio, 0.3), answer=measured)
    assert max(lengths) < 5
    assert len(lengths) > 40


def test_partials_without_agreement_are_still_bounded_and_whole() -> None:
    audio = np.concatenate([speech(list(range(2, 62))), silence(1)])
    lengths = []
    turn = 0

    def fickle(window: Window) -> Reading:
        nonlocal turn
        turn += 1
        reading = read(window)
        if not window.quick:
            return reading
        lengths.append(len(window.samples) / 16_000)
        return Reading(tuple(Word(f"{w.text}v{turn}", w.start, w.end) for w in reading.words))

    heard = drive(audio, steps(audio, 0.3), answer=fickle)
    assert max(lengths) <= 10
    last = [h for h in heard if h.kind is HypothesisKind.PARTIAL and h.text][-1]
    assert len(last.text.split()) > 55
    assert said(heard) == [f"w{n}" for n in range(2, 62)]


def test_stable_words_do_not_change_when_the_engine_changes_its_mind() -> None:
    audio = np.concatenate([speech(list(range(2, 30))), silence(1)])
    turn = 0

    def moody(window: Window) -> Reading:
        nonlocal turn
        turn += 1
        reading = read(window)
        if window.quick and turn % 5 == 0:
            return Reading(tuple(Word("mist", w.start, w.end) for w in reading.words))
        return reading

    partials = [
        h.text.split()
        for h in drive(audio, steps(audio, 0.3), answer=moody)
        if h.kind is HypothesisKind.PARTIAL and h.text
    ]
    assert partials[-1][:10] == [f"w{n}" for n in range(2, 12)]


def test_a_phrase_said_over_and_over_by_the_model_is_kept_once() -> None:
    audio = np.concatenate([speech([5] * 10), silence(1)])
    looped = tuple(Word(t, i * 0.1, i * 0.1 + 0.1) for i, t in enumerate(["thank", "you."] * 9))
    heard = drive(audio, answer=lambda window: Reading(looped, "en", 0.9))
    assert [text for *_, text in finals(heard)] == ["thank you."]


def test_what_the_model_says_over_silence_is_taken_back() -> None:
    audio = np.concatenate([speech([5, 6, 7]), silence(1)])
    words = (Word("subscribe", 0.0, 0.5),)

    def answer(window: Window) -> Reading:
        return Reading(words, "en", 0.2, no_speech=0.1 if window.quick else 0.95)

    heard = [h for h in drive(audio, steps(audio), answer=answer) if h.utterance_id]
    assert heard[0].text == "subscribe"
    assert heard[-1].kind is HypothesisKind.FINAL
    assert heard[-1].text == ""


def test_silence_and_clicks_never_reach_the_engine() -> None:
    audio = silence(60)
    audio[16_000:16_100] = 0.9

    def refuse(window: Window) -> Reading:
        raise AssertionError("nobody spoke")

    heard = drive(audio, steps(audio), answer=refuse)
    assert not any(h.text for h in heard)


def test_not_a_number_is_silence() -> None:
    audio = np.concatenate([np.full(16_000, np.nan, np.float32), speech([5, 6]), silence(1)])
    assert said(drive(audio, steps(audio))) == ["w5", "w6"]


def test_closed_utterances_can_share_a_window() -> None:
    audio = np.concatenate([speech([5, 6]), silence(1), speech([7]), silence(1), speech([8, 9])])
    apart, calls = finals(drive(audio)), []

    def counted(window: Window) -> Reading:
        calls.append(window.quick)
        return read(window)

    assert finals(drive(audio, answer=counted, together=True)) == apart
    assert calls == [False, True, False]  # two closed ones, the open one, its final


def test_the_language_once_heard_is_given_to_partials_only() -> None:
    audio = np.concatenate([speech([5, 6, 7, 8, 9]), silence(1)])
    asked = []

    def answer(window: Window) -> Reading:
        asked.append((window.quick, window.options.language))
        return Reading(words_in(window.samples), "es", 0.9)

    drive(audio, steps(audio), answer=answer)
    assert asked[0] == (True, None)
    assert set(asked[1:-1]) == {(True, "es")}
    assert asked[-1] == (False, None)


def test_confirmed_text_primes_what_follows() -> None:
    audio = np.concatenate([speech([5, 6]), silence(1), speech([7, 8]), silence(1)])
    contexts = []

    def answer(window: Window) -> Reading:
        contexts.append(window.context)
        return read(window)

    drive(audio, answer=answer)
    assert contexts == ["", "w5 w6"]


def test_memory_does_not_grow_with_the_stream() -> None:
    minute = np.concatenate([speech(list(range(2, 40))), silence(48)])
    decoder = WindowDecoder(LoudnessDetector(), policy=LivePolicy())
    held = []
    for _ in range(60):
        decoder.feed(minute)
        while decoder.final_since is not None:
            request = decoder.final_request()
            decoder.accept(request, read(request.window))
        held.append(decoder.received - decoder.kept_from)
    assert max(held[30:]) <= max(held[:10])


def test_what_is_translated_is_english_whatever_was_heard() -> None:
    def spanish(window: Window) -> Reading:
        return replace(read(window), language="es")

    decoder = WindowDecoder(LoudnessDetector(), RecognitionOptions(translate=True))
    heard = drive(speech([3, 5, 7]), answer=spanish, decoder=decoder)
    assert {h.language for h in heard if h.text} == {"en"}
    plain = drive(speech([3, 5, 7]), answer=spanish)
    assert {h.language for h in plain if h.text} == {"es"}


def test_a_pause_is_not_read_again() -> None:
    decoder = WindowDecoder(LoudnessDetector())
    decoder.feed(np.concatenate([speech([5, 9, 31]), silence(0.2)]))
    request = decoder.partial_request()
    decoder.accept(request, read(request.window))
    decoder.feed(silence(0.2))
    assert decoder.speaking
    assert decoder.partial_since is None
    decoder.feed(word(12))
    assert decoder.partial_since is not None


def test_words_go_on_while_what_was_said_before_is_settled() -> None:
    decoder = WindowDecoder(LoudnessDetector())
    decoder.feed(np.concatenate([speech([5, 9]), silence(0.8), speech([31, 12])]))
    settling = decoder.final_request()
    partial = decoder.partial_request()
    [shown] = decoder.accept(partial, read(partial.window))
    assert shown.text.startswith("w31")
    heard = decoder.accept(settling, read(settling.window))
    assert finals(heard)[0][3] == "w5 w9"


def test_a_partial_that_comes_after_its_final_is_dropped() -> None:
    decoder = WindowDecoder(LoudnessDetector())
    decoder.feed(np.concatenate([speech([5, 9])]))
    partial = decoder.partial_request()
    decoder.feed(silence(1.0))
    settling = decoder.final_request()
    assert finals(decoder.accept(settling, read(settling.window)))
    assert decoder.accept(partial, read(partial.window)) == []
