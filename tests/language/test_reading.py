"""Structured answers as models really write them."""

import pytest
from pydantic import BaseModel, ValidationError

from tertulia.language.engines.reading import complaint, read_json

pytestmark = pytest.mark.unit


class Form(BaseModel):
    """What is asked for."""

    name: str
    age: int


@pytest.mark.parametrize(
    "written",
    [
        '{"name": "Ana", "age": 3}',
        ' \n```json\n{"name": "Ana", "age": 3}\n```\nThat is all.',
        'Here it is: {"name": "Ana", "age": 3} and more words',
        '{"name": "Ana",\n "age": 3}',
    ],
)
def test_the_object_is_found(written: str) -> None:
    assert read_json(written) == {"name": "Ana", "age": 3}


@pytest.mark.parametrize(
    "written", ["", "no", "[1, 2]", '{"name": "An', "{" * 100_000, '{"a":' * 50_000, "```json\n```"]
)
def test_what_is_none_is_refused(written: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any will do
        read_json(written)


def test_a_complaint_names_places_and_no_values() -> None:
    try:
        Form.model_validate({"name": ["the canary sings"], "age": "x"})
    except ValidationError as error:
        told = complaint(error)
    assert "name" in told
    assert "age" in told
    assert "canary" not in told
    assert "complete JSON" in complaint(ValueError("the canary sings"))
