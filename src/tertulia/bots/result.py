"""What a turn tells while it runs, and all that is known of it when it is over."""

from dataclasses import dataclass, field

from tertulia.bots.thinking import Thought
from tertulia.ledger.domain import Unit
from tertulia.speech.domain import AudioInfo, Word


@dataclass(frozen=True, slots=True)
class Heard:
    """What was said, in words."""

    text: str
    language: str | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Wrote:
    """A few more characters of the reply."""

    text: str


@dataclass(frozen=True, slots=True)
class Sounded:
    """A piece of the spoken reply: mono 16-bit samples. `text` is the sentence, with its first piece."""

    sentence: int
    text: str
    pcm16: bytes
    sample_rate_hz: int
    start_seconds: float
    words: tuple[Word, ...] = ()


TurnEvent = Heard | Wrote | Sounded


@dataclass(frozen=True, slots=True)
class EngineUse:
    """One use of an engine by a turn, for the ledger."""

    engine: str
    model: str | None
    unit: Unit
    quantity: float
    latency_ms: int


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of the reply and where in the spoken answer it is."""

    text: str
    start_seconds: float
    end_seconds: float


@dataclass
class TurnResult:
    """All that is known of a turn; filled while it runs, whole when it is over."""

    transcript: str = ""
    language: str | None = None
    input_seconds: float = 0.0
    info: AudioInfo | None = None
    heard_words: tuple[Word, ...] = ()
    reply: str = ""
    sentences: list[Sentence] = field(default_factory=list)
    output_seconds: float = 0.0
    stt_ms: int = 0
    llm_ms: int = 0
    tts_ms: int = 0
    total_ms: int = 0
    first_word_ms: int | None = None
    first_sound_ms: int | None = None
    provider_stt: str = ""
    provider_llm: str = ""
    provider_tts: str = ""
    voice_error: str | None = None
    """Why there is no sound, or only the beginning of it: a code."""
    cut_error: str | None = None
    """Why the reply ends before its end: a code."""
    interrupted: bool = False
    thought: Thought = field(default_factory=Thought)
    uses: list[EngineUse] = field(default_factory=list)

    @property
    def silent(self) -> bool:
        """Whether nothing was said."""
        return not self.transcript

    def said_until(self, played_seconds: float) -> str:
        """What a listener has heard of the reply who has heard so much of the sound."""
        said: list[str] = []
        for sentence in self.sentences:
            if sentence.end_seconds <= played_seconds:
                said.append(sentence.text)
                continue
            length = sentence.end_seconds - sentence.start_seconds
            share = (played_seconds - sentence.start_seconds) / length if length > 0 else 0.0
            words = sentence.text.split()
            heard = words[: max(0, int(share * len(words)))]
            if heard:
                said.append(" ".join(heard))
            break
        return " ".join(said)
