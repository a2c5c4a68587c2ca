"""What is said of engines: English for the terminal and the log, a code for pages that speak other languages."""

from collections.abc import Mapping
from typing import Self

REASONS: Mapping[str, str] = {
    "whisper_here": "Whisper {model} is on this machine",
    "whisper_here_gpu": "Whisper {model} is on this machine and runs on its GPU",
    "whisper_other_here": "Whisper {model} is on this machine; {wanted} is not",
    "whisper_first_use": "the model hub answers: Whisper {model} is fetched on first use",
    "sherpa_here": "the sherpa-onnx model {model} is on this machine",
    "gladia_set": "a Gladia key is given and no model is here",
    "openai_hears": "an OpenAI-compatible server is set and no model is here",
    "openai_speaks": "an OpenAI-compatible server is set and no voice model is here",
    "only_english_offline": (
        "no Whisper model is here and the model hub cannot be reached: "
        "pocketsphinx understands English only"
    ),
    "only_english_undownloaded": (
        "no Whisper model is here and TERTULIA_DOWNLOAD_MODELS is false: "
        "pocketsphinx understands English only"
    ),
    "piper_here": "the Piper voice {model} is on this machine",
    "espeak_comes_along": "eSpeak NG comes with Tertulia: a hundred languages, a plain voice",
    "models_here": "models here: {models}",
    "no_model": "no model is on this machine",
    "voices_here": "voices here: {models}",
    "no_voice": "no voice is on this machine",
    "streams_on_cpu": "streams on a CPU",
    "not_installed": "it is not installed",
    "english_no_download": "English, with no download",
    "languages_no_download": "a hundred languages, with no download",
    "key_given": "a key is given",
    "no_key": "no key is given",
    "server_set": "a key or a server of your own is set",
    "no_server": "neither key nor server is set",
    "set_by_name": "set by name",
    "named_in_vain": "Its key, model or package is missing, or nothing is called so.",
}
"""Why an engine is taken, works, or does not."""

ADVICE: Mapping[str, str] = {
    "pull_whisper": (
        "`tertulia models pull {model}`, or copy the model's folder into the models folder: "
        "99 languages, and far fewer mistakes."
    ),
    "pull_whisper_online": (
        "`tertulia models pull {model}` where there is a network, or copy the model's folder into "
        "the models folder: 99 languages, and far fewer mistakes."
    ),
    "pull_larger": (
        "The GPU has room for more: `tertulia models pull {model}` and "
        "TERTULIA_WHISPER_MODEL={model}."
    ),
    "pull_voice": "`tertulia models pull {model}`: a natural voice.",
    "install_voice": "`pip install tertulia[piper]` and `tertulia models pull {model}`: a natural voice.",
    "pull_model": "`tertulia models pull {model}`",
    "install_sherpa": "`pip install tertulia[sherpa]` and TERTULIA_SHERPA_MODEL",
    "set_key": "{setting}",
    "set_server": "TERTULIA_OPENAI_KEY, or TERTULIA_OPENAI_URL for a server of your own",
}
"""What would be better, and how to get it."""


class Wording(str):
    """A sentence in English that still knows its code and the values put into it."""

    __slots__ = ("code", "values")

    code: str
    values: Mapping[str, str]

    @classmethod
    def reason(cls, code: str, **values: str) -> Self:
        return cls._of(code, REASONS[code], values)

    @classmethod
    def advice(cls, code: str, **values: str) -> Self:
        return cls._of(code, ADVICE[code], values)

    @classmethod
    def _of(cls, code: str, template: str, values: Mapping[str, str]) -> Self:
        made = cls(template.format(**values))
        made.code, made.values = code, values
        return made

    def after(self, beginning: str) -> "Wording":
        """The same thing said after a few words more."""
        made = Wording(beginning + self)
        made.code, made.values = self.code, self.values
        return made
