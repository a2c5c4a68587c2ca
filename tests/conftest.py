"""Fixtures that every package may use."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest_plugins = [
    "tests.fixtures.nothing_left_out",
    "tests.fixtures.database",
    "tests.fixtures.server",
    "tests.fixtures.jobs",
    "tests.fixtures.blobs",
    "tests.fixtures.events",
    "tests.fixtures.identity",
    "tests.fixtures.webhooks",
    "tests.fixtures.transcripts",
    "tests.fixtures.analysis",
    "tests.fixtures.live",
    "tests.fixtures.voice",
]

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def speech() -> Path:
    """The folder of real recordings beside the checkout."""
    folder = ROOT.parent / "shared" / "speech"
    if not folder.is_dir():
        reason = f"needs the recordings in {folder}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture(scope="session")
def tiny_whisper() -> Path:
    """A Whisper of the real tiny shape that says one fixed sentence."""
    from tests.fakes.tiny_whisper import tiny_whisper as make

    return make()


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """What a command sets about logging ends with its test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
