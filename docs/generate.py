"""Writes the parts of these pages that the code knows best: `python docs/generate.py`, or `--check`.

A page says `<!-- generated: settings -->` … `<!-- end -->`; what stands between is replaced.
"""

import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, get_args

import click
import typer.main
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

import tertulia
from tertulia.kernel.errors import TertuliaError
from tertulia.kernel.settings import PREFIX, Settings

FOLDER = Path(__file__).parent
MARKED = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


# Settings


def settings() -> str:
    """One table a group; the groups are the comments in the settings class."""
    groups = _groups()
    parts = []
    for title, names in groups.items():
        rows = [_setting(name, Settings.model_fields[name]) for name in names]
        parts += [f"## {title}", "", _table(("setting", "default", "meaning"), rows), ""]
    return "\n".join(parts)


def variable(name: str, field: FieldInfo) -> str:
    """The environment variable that sets a field."""
    return name.upper() if field.validation_alias else PREFIX + name.upper()


def _groups() -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    title = ""
    for line in inspect.getsource(Settings).splitlines():
        if comment := re.fullmatch(r"    # ([A-Z].*)", line):
            title = comment[1]
        elif (found := re.match(r"    (\w+):", line)) and found[1] in Settings.model_fields:
            groups.setdefault(title, []).append(found[1])
    return groups


def _setting(name: str, field: FieldInfo) -> tuple[str, str, str]:
    meaning = field.description or ""
    limits = {
        type(m).__name__: next(iter(vars_of(m).values())) for m in field.metadata if vars_of(m)
    }
    if words := _limits(limits):
        meaning = f"{meaning} {words}"
    if choices := _choices(field.annotation):
        meaning = f"{meaning} One of {', '.join(f'`{c}`' for c in choices)}."
    return f"`{variable(name, field)}`", _default(name, field), meaning


def vars_of(limit: Any) -> dict[str, Any]:
    """The values of one of pydantic's limits (`Ge(ge=1)`); they have slots, not a dictionary."""
    names = getattr(type(limit), "__slots__", ())
    return {n: getattr(limit, n) for n in names if n in ("ge", "gt", "le", "lt")}


def _limits(limits: dict[str, Any]) -> str:
    least = limits.get("Ge")
    if least is not None and "Le" in limits:
        return f"From {least} to {limits['Le']}."
    if least:
        return f"At least {least}."
    return f"At most {limits['Le']}." if "Le" in limits else ""


def _choices(annotation: Any) -> tuple[Any, ...]:
    return (
        get_args(annotation)
        if getattr(annotation, "__origin__", None) is not None
        and all(isinstance(a, str) for a in get_args(annotation))
        else ()
    )


def _default(name: str, field: FieldInfo) -> str:
    if name == "data":
        return "`~/.local/share/tertulia`"
    value = field.default
    if value is PydanticUndefined or value is None or value == ():
        return "none"
    if isinstance(value, tuple):
        value = ",".join(value)
    if isinstance(value, bool):
        value = str(value).lower()
    return f"`{value}`"


# Errors


def errors() -> str:
    """Every error a client can meet, by its code."""
    rows = []
    for code, kinds in sorted(error_codes().items()):
        first = kinds[0]
        meaning = " ".join(dict.fromkeys(_meaning(k) for k in kinds))
        rows.append((f"`{code}`", str(int(first.status)), first.title, meaning.replace("\n", " ")))
    from tertulia.kernel.http import _STATUS_CODES

    for status, code in sorted(_STATUS_CODES.items()):
        if code not in error_codes():
            phrase = HTTPStatus(status).phrase
            rows.append((f"`{code}`", str(status), phrase, "The address knows no such request."))
    rows.append(
        ("`http_error`", "any other 4xx", "As the status says", "The request cannot be served.")
    )
    return _table(("code", "status", "title", "when"), sorted(rows)) + "\n"


def _meaning(kind: type[TertuliaError]) -> str:
    if kind is TertuliaError:
        return "Nobody expected this; the log has its place under the correlation id."
    return inspect.getdoc(kind) or ""


def error_codes() -> dict[str, list[type[TertuliaError]]]:
    """The classes behind each code, parents first."""
    import_everything()
    found: dict[str, list[type[TertuliaError]]] = {}
    for kind in _descendants(TertuliaError):
        if "tests" not in kind.__module__:
            found.setdefault(kind.code, []).append(kind)
    return found


def _descendants(kind: type[TertuliaError]) -> Iterator[type[TertuliaError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _descendants(child)


def import_everything() -> None:
    """Imports every module but the ones that run when imported."""
    for module in pkgutil.walk_packages(tertulia.__path__, "tertulia."):
        if not module.name.endswith("__main__") and ".migrations" not in module.name:
            importlib.import_module(module.name)


# The API


def endpoints() -> str:
    """Every endpoint of the OpenAPI document, by its tag."""
    from tertulia.server.openapi import document

    by_tag: dict[str, list[tuple[str, str, str]]] = {}
    for path, operations in document()["paths"].items():
        for method, operation in operations.items():
            tag = (operation.get("tags") or ["other"])[0]
            row = (f"`{method.upper()}`", f"`{path}`", operation.get("summary", ""))
            by_tag.setdefault(tag, []).append(row)
    parts = []
    for tag, rows in by_tag.items():
        parts += [
            f"### {tag[:1].upper()}{tag[1:]}",
            "",
            _table(("", "address", "what it does"), rows),
            "",
        ]
    return "\n".join(parts)


def scopes() -> str:
    """What an API key may be allowed to do."""
    from tertulia.server.wiring import described_services

    registry = described_services(described_settings()).identity.scopes
    return _table(
        ("scope", "what it lets a key do"), [(f"`{s.name}`", s.description) for s in registry]
    )


def event_types() -> str:
    """What a webhook may be told of."""
    from tertulia.server.wiring import described_services

    registry = described_services(described_settings()).webhooks.types
    return _table(("event", "when"), [(f"`{t.name}`", t.description) for t in registry])


def described_settings() -> Settings:
    """The settings of nobody: neither this machine's environment nor its files."""
    return Settings(_env_file=None)  # type: ignore[call-arg]


# The command line


def commands() -> str:
    """Every command, its arguments and its options."""
    from tertulia.cli.main import app

    parts = []
    for path, command in command_list(typer.main.get_command(app)):
        parts += [f"### `{path}`", "", inspect.cleandoc(command.help or ""), ""]
        if rows := [_parameter(p) for p in command.params if not getattr(p, "hidden", False)]:
            parts += [_table(("", "default", "meaning"), rows), ""]
    return "\n".join(parts)


def command_list(
    root: click.Command, path: str = "tertulia"
) -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, with the words that call it."""
    inner = getattr(root, "commands", None)
    if inner is None:
        yield path, root
        return
    for name, command in sorted(inner.items()):
        if not command.hidden:
            yield from command_list(command, f"{path} {name}")


def _parameter(parameter: click.Parameter) -> tuple[str, str, str]:
    shown = getattr(parameter, "show_default", None)
    default = parameter.default
    if isinstance(shown, str):
        said = f"`{shown}`"
    elif default in (None, False, ()) or callable(default) or parameter.required:
        said = ""
    else:
        said = f"`{default}`"
    if parameter.param_type_name == "argument":
        name = f"`{parameter.name or ''}`".upper()
    else:
        name = ", ".join(f"`{o}`" for o in (*parameter.opts, *parameter.secondary_opts))
    return name, said, getattr(parameter, "help", None) or ""


# Decisions


def decisions() -> str:
    """Every decision record, by its number."""
    rows = []
    for page in sorted((FOLDER / "decisions").glob("0*.md")):
        number, _, title = page.read_text().split("\n", 1)[0].removeprefix("# ").partition(". ")
        rows.append((f"[{number}]({page.name})", title))
    return _table(("", ""), rows)


# Pages

PARTS: dict[str, Callable[[], str]] = {
    "settings": settings,
    "errors": errors,
    "endpoints": endpoints,
    "scopes": scopes,
    "events": event_types,
    "commands": commands,
    "decisions": decisions,
}


def pages() -> dict[Path, str]:
    """Every page that has generated parts, as it should be."""
    made: dict[str, str] = {}

    def fill(found: re.Match[str]) -> str:
        name = found[2]
        if name not in made:
            made[name] = PARTS[name]()
        return f"{found[1]}\n{made[name].strip()}\n\n{found[3]}"

    texts = {page: page.read_text() for page in sorted(FOLDER.rglob("*.md"))}
    return {p: MARKED.sub(fill, t) for p, t in texts.items() if MARKED.search(t)}


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(c.replace("|", "\\|") for c in row) + " |" for row in lines)


def main(arguments: list[str]) -> int:
    stale = {page: text for page, text in pages().items() if page.read_text() != text}
    if "--check" in arguments:
        for page in stale:
            sys.stderr.write(f"{page} is stale. Run `python docs/generate.py` and commit it.\n")
        return 1 if stale else 0
    for page, text in stale.items():
        page.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
