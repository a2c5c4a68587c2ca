"""A real server whose engine reads the words out of the sound itself (`tests/fakes/scripted_model.py`).

`python -m tests.doors.live.node serve --port 0 --json --data FOLDER`: everything but the engine is the product's own.
"""

import os
import sys
from dataclasses import replace

from tests.fakes.engines import Fixed

from tertulia.cli.main import main
from tertulia.kernel.settings import Settings
from tertulia.server import wiring
from tertulia.server.metrics import Metrics
from tertulia.server.speech import Speech, build_speech
from tertulia.speech.domain import Capabilities
from tertulia.speech.host.client import HostConfig, SpeechHost
from tertulia.speech.host.models import ModelSpec
from tertulia.speech.service import Engines, SpeechService

ABLE = Capabilities(words=True, detects_language=True, hot_words=True)


def scripted(
    settings: Settings, metrics: Metrics | None = None, *, warm: tuple[str, ...] = ()
) -> Speech:
    """The server's speech with one engine, `scripted`, in a real speech host."""
    speech = build_speech(settings, metrics, warm=warm)
    config = HostConfig(
        models={"scripted": ModelSpec("tests.fakes.scripted_model:load", {})},
        workers=2,
        max_live=int(os.environ.get("SCRIPTED_LIVE", "200")),
        warm=("scripted",),
        detector="tests.fakes.scripted_model:LoudnessDetector",
    )
    host = SpeechHost(config)
    engines = Engines({}, {"scripted": host.live_recognizer("scripted", capabilities=ABLE)}, {})
    service = SpeechService(engines, speech.decoder, Fixed("scripted"))
    return replace(speech, service=service, host=host)


if __name__ == "__main__":
    wiring.build_speech = scripted
    sys.exit(main())
