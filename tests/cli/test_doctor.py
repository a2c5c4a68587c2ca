"""`tertulia doctor` says of every part that it works, or what to do."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e


def test_every_part_is_looked_at_and_what_is_not_set_up_is_advice(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tertulia", "doctor", "--json", "--data", str(tmp_path / "data")],
        env={k: v for k, v in os.environ.items() if not k.startswith(("TERTULIA_", "PG_"))},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    parts = {part["part"]: part for part in json.loads(done.stdout)}
    assert [name for name, part in parts.items() if part["ok"] is False] in ([], ["page"])
    assert parts["database"]["ok"] is True
    assert parts["search by meaning"]["ok"] is None
    assert "TERTULIA_EMBEDDINGS" in parts["search by meaning"]["seen"]
