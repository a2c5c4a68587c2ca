"""A real server with the tiny Whisper shape in its speech host, for measuring words through the socket.

`python -m bench.parts.live_whisper_node serve …`.
"""

import os
import sys
from dataclasses import replace

from tests.fakes.engines import Fixed

from bench.parts.speech import whisper_spec
from tertulia.cli.main import main
from tertulia.kernel.settings import Settings
from tertulia.server import wiring
from tertulia.server.metrics import Metrics
from tertulia.server.speech import Speech, build_speech
from tertulia.speech.domain import Capabilities
from tertulia.speech.host.client import HostConfig, SpeechHost
from tertulia.speech.service import Engines, SpeechService

ABLE = Capabilities(words=True, detects_language=True, hot_words=True)


def whispering(
    settings: Settings, metrics: Metrics | None = None, *, warm: tuple[str, ...] = ()
) -> Speech:
    """The server's speech with one engine, `whisper`, as it is shipped but for its weights."""
    speech = build_speech(settings, metrics, warm=warm)
    cores = os.cpu_count() or 1
    host = SpeechHost(
        HostConfig({"whisper": whisper_spec(cores)}, workers=cores, max_live=1000, warm=("whisper",))
    )  # fmt: skip
    engines = Engines({}, {"whisper": host.live_recognizer("whisper", capabilities=ABLE)}, {})
    service = SpeechService(engines, speech.decoder, Fixed("whisper"))
    return replace(speech, service=service, host=host)


if __name__ == "__main__":
    wiring.build_speech = whispering
    sys.exit(main())
