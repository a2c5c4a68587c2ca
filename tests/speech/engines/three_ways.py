"""A recording read by pocketsphinx itself, by our engine as a file, and by our engine as a stream."""

from functools import cache

import pocketsphinx

from tertulia.speech.activity import speech_spans
from tertulia.speech.domain import SAMPLE_RATE_HZ, RecognitionOptions, Samples
from tertulia.speech.engines.pocketsphinx import PocketsphinxModel


def read(samples: Samples) -> tuple[str, str, str]:
    """The three texts. Called in a process of its own, for pocketsphinx keeps Python's lock while it works."""
    found = _model().transcribe(samples, RecognitionOptions())
    return _direct(samples), " ".join(s.text for s in found.segments), _streamed(samples)


@cache
def _model() -> PocketsphinxModel:
    return PocketsphinxModel()


@cache
def _decoder() -> pocketsphinx.Decoder:
    return pocketsphinx.Decoder(samprate=SAMPLE_RATE_HZ, loglevel="FATAL")


def _direct(samples: Samples) -> str:
    decoder = _decoder()
    decoder.start_utt()
    decoder.process_raw((samples * 32767).astype("<i2").tobytes(), full_utt=True)
    decoder.end_utt()
    hypothesis = decoder.hyp()
    return hypothesis.hypstr if hypothesis else ""


def _streamed(samples: Samples) -> str:
    stream = _model().stream(RecognitionOptions(language="en"))
    said: list[str] = []
    for span in speech_spans(samples):
        for start in range(span.start, span.end, 1600):
            stream.accept(samples[start : min(start + 1600, span.end)])
        said += [word.text for word in stream.finish().words]
    return " ".join(said)
