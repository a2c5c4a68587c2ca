"""What models are told, as files: one folder a version, one a language."""

from functools import cache
from pathlib import Path

VERSION = "1"
LANGUAGES = ("en", "es", "ru")
FOLDER = Path(__file__).parent


@cache
def prompt(name: str, language: str) -> str:
    """The text of a prompt; English for a language that has none."""
    code = language if language in LANGUAGES else "en"
    return (FOLDER / VERSION / code / f"{name}.md").read_text(encoding="utf-8").strip()


def version(language: str) -> str:
    """Names the prompts an answer was made with, as in `1/es`."""
    return f"{VERSION}/{language if language in LANGUAGES else 'en'}"
