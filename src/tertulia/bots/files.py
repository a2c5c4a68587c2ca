"""A bot as a file: TOML, with its script in it as it was written."""

import json
import tomllib
from collections.abc import Mapping
from typing import Any

from tertulia.bots.domain import BotFileError

_LITERAL = "'''"


def written(definition: Mapping[str, Any]) -> str:
    """The file. Values that are empty are left out; texts of several lines stay readable."""
    tables: list[str] = []
    lines: list[str] = []
    for name, value in definition.items():
        if value in (None, "", [], {}):
            continue
        if isinstance(value, dict):
            tables.append(f"[{name}]\n" + "".join(_line(k, v) for k, v in value.items()))
        elif isinstance(value, list) and isinstance(value[0], dict):
            tables += [
                f"[[{name}]]\n" + "".join(_line(k, v) for k, v in row.items()) for row in value
            ]
        else:
            lines.append(_line(name, value))
    return "\n".join(["".join(lines), *tables])


def read(data: bytes | str) -> dict[str, Any]:
    """What the file says; the values are checked elsewhere."""
    try:
        text = data.decode() if isinstance(data, bytes) else data
        return tomllib.loads(text.removeprefix("\ufeff"))
    except UnicodeDecodeError:
        raise BotFileError("The file is not text in UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise BotFileError(f"The file is not TOML: {error}.") from None


def _line(name: str, value: Any) -> str:
    if value is None:
        return ""
    return f"{name} = {_value(value)}\n"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_string(k)} = {_value(v)}" for k, v in value.items()) + " }"
    return "[" + ", ".join(_value(one) for one in value) + "]"


def _text(value: str) -> str:
    plain = all(c in "\n\t" or c.isprintable() for c in value)
    if "\n" in value and _LITERAL not in value and plain and not value.endswith("'"):
        return f"{_LITERAL}\n{value}{_LITERAL}"
    return _string(value)


def _string(value: str) -> str:
    """JSON's strings are TOML's, but for the character that JSON leaves bare."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
