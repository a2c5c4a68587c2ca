"""Log lines: shaped for programs, and without what people said."""

import json
import logging

import pytest
import structlog

from tertulia.kernel.http import correlation_id
from tertulia.kernel.settings import Settings
from tertulia.server import logs

pytestmark = pytest.mark.unit


def test_a_line_is_json_with_its_correlation_id(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Settings(log_format="json"))
    token = correlation_id.set("abc")
    logging.getLogger("tertulia.x").info("stored", extra={"rows": 3})
    correlation_id.reset(token)
    line = json.loads(capsys.readouterr().err)
    assert line["event"] == "stored"
    assert line["rows"] == 3
    assert line["correlation_id"] == "abc"


def test_an_exception_is_placed_but_not_quoted(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Settings(log_format="json"))
    try:
        raise ValueError("the patient said so")
    except ValueError:
        logging.getLogger("tertulia.x").exception("it broke")
    text = capsys.readouterr().err
    line = json.loads(text)
    assert line["exception"] == "ValueError"
    assert any("test_logs.py" in place for place in line["where"])
    assert "patient" not in text


def test_both_ways_of_logging_write_the_same_lines_to_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure(Settings(log_format="json", log_level="warning"))
    log = structlog.get_logger("tertulia.y")
    log.info("not shown")
    log.warning("shown", rows=3)
    out, err = capsys.readouterr()
    line = json.loads(err)
    assert out == ""
    assert (line["event"], line["rows"], line["level"]) == ("shown", 3, "warning")
    assert line["logger"] == "tertulia.y"
