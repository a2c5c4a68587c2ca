"""Commands that are imported when they are called: the list of them, or one of them, does not wait for all."""

from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command_from_info, get_group


@dataclass(frozen=True, slots=True)
class Named:
    """Where a command is found, and what the list of commands says of it."""

    module: str
    attribute: str
    summary: str

    def load(self, name: str) -> Any:
        """The command itself, or the group of commands."""
        found = getattr(import_module(self.module), self.attribute)
        if isinstance(found, typer.Typer):
            return get_group(found)
        alone = typer.Typer()
        alone.command(name)(found)
        return get_command_from_info(
            alone.registered_commands[0],
            pretty_exceptions_short=alone.pretty_exceptions_short,
            rich_markup_mode=alone.rich_markup_mode,
        )


class _Commands(MutableMapping[str, Any]):
    """The commands by their names, each made when it is asked for."""

    def __init__(self, named: Mapping[str, Named]) -> None:
        self._named = named
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = self._named[name].load(name)
        return self._made[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._made[name] = command

    def __delitem__(self, name: str) -> None:
        del self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._named)

    def __len__(self) -> int:
        return len(self._named)

    def __contains__(self, name: object) -> bool:
        return name in self._named


class LazyGroup(TyperGroup):
    """A group whose list is a table; subclasses give the table."""

    named: ClassVar[Mapping[str, Named]] = {}

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**{**attributes, "commands": {}})
        self.commands = _Commands(self.named)
        self._listing = False

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.named)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.named:
            return None
        if self._listing:
            return TyperCommand(cmd_name, help=self.named[cmd_name].summary)
        return self.commands[cmd_name]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        self._listing = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._listing = False
