"""Scripts: who says what, in which voice."""

import functools
import tomllib
from dataclasses import dataclass
from importlib.resources import files

from tertulia.transcripts.domain import Kind

TAG = "demo"
"""The tag by which a person recognises what was made up."""
SOURCE = "demo:"
"""How the source of every scripted conversation begins; only these are ever removed."""


@dataclass(frozen=True, slots=True)
class Role:
    """Somebody in a script. `pitch` is a factor that tells two speakers of one voice apart."""

    name: str
    person: str
    voice: str
    pitch: float = 1.0


@dataclass(frozen=True, slots=True)
class Line:
    """What one role says without a break."""

    role: int
    text: str


@dataclass(frozen=True, slots=True)
class Script:
    """A conversation that never took place."""

    id: str
    kind: Kind
    language: str
    title: str
    days_ago: int
    tags: tuple[str, ...]
    roles: tuple[Role, ...]
    lines: tuple[Line, ...]

    @property
    def source_id(self) -> str:
        return f"{SOURCE}{self.id}"

    @property
    def channels(self) -> int:
        """A call has a channel for each side; elsewhere all are heard together."""
        return len(self.roles) if self.kind is Kind.CALLS else 1


@functools.cache
def scripts() -> tuple[Script, ...]:
    """Every script there is, the latest first."""
    folder = files("tertulia.demo") / "scripts"
    found = [
        _parsed(file.name.removesuffix(".toml"), file.read_text("utf-8"))
        for file in folder.iterdir()
        if file.name.endswith(".toml")
    ]
    return tuple(sorted(found, key=lambda script: (script.days_ago, script.id)))


def _parsed(id_: str, text: str) -> Script:
    said = tomllib.loads(text)
    return Script(
        id=id_,
        kind=Kind(said["kind"]),
        language=said["language"],
        title=said["title"],
        days_ago=said["days_ago"],
        tags=(TAG, *said["tags"]),
        roles=tuple(Role(**role) for role in said["roles"]),
        lines=tuple(Line(role, line) for role, line in said["lines"]),
    )
