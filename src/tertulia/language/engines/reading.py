"""A structured answer as models really write it: in fences, with a sentence before it, or not at all."""

import json
import re
from typing import Any

from pydantic import ValidationError

LONGEST_ANSWER = 1_000_000
_FENCE = re.compile(r"```(?:json)?\s*\n(.*?)```", re.DOTALL | re.IGNORECASE)


def read_json(written: str) -> Any:
    """The JSON object in what a model wrote; raises ValueError when there is none."""
    text = written[:LONGEST_ANSWER].strip()
    if fenced := _FENCE.search(text):
        text = fenced[1].strip()
    start = text.find("{")
    if start < 0:
        raise ValueError("no JSON object")
    try:
        found, _ = json.JSONDecoder(strict=False).raw_decode(text[start:])
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return found


def complaint(error: ValueError) -> str:
    """What a model is told of its wrong answer: where and what, never the values themselves."""
    if isinstance(error, ValidationError):
        places = [
            f"{'.'.join(str(part) for part in e['loc']) or 'answer'}: {e['msg']}"
            for e in error.errors(include_input=False, include_context=False, include_url=False)
        ]
        wrong = "; ".join(places[:8])
    else:
        wrong = "it is not one complete JSON object"
    return (
        f"The answer does not fit the schema: {wrong}. "
        "Answer again with one JSON object that fits it and nothing else."
    )
