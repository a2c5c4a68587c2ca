"""The API's description: `python -m tertulia.server.openapi` prints it, `--check FILE` compares it."""

import json
import sys
from pathlib import Path
from typing import Any

from tertulia.kernel.settings import Settings
from tertulia.server.app import create_api
from tertulia.server.wiring import described_services


def document() -> dict[str, Any]:
    """The OpenAPI document, made without opening a database or an engine."""
    return create_api(described_services(Settings(_env_file=None))).openapi()


def text() -> str:
    return json.dumps(document(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--check"]:
        if Path(arguments[1]).read_text() == text():
            return 0
        sys.stderr.write(
            f"{arguments[1]} is not what the API is now. Run `make fix` and commit it.\n"
        )
        return 1
    sys.stdout.write(text())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
