"""How far the host is with a file is told while it is read."""

import numpy as np
import pytest
from tests.fakes.scripted_model import silence, speech
from tests.speech.host.conftest import StartHost

from tertulia.speech.listening import listener, listening

pytestmark = pytest.mark.engine


async def test_a_long_file_tells_how_far_it_is(start_host: StartHost) -> None:
    host = await start_host()
    audio = np.concatenate([speech(range(2, 60)), silence(600)])
    shares: list[float] = []
    with listening(shares.append):
        await host.recognizer("scripted").transcribe(audio)
    assert len(shares) >= 3
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] < 1


async def test_nobody_is_told_outside_the_block() -> None:
    with listening(lambda _: None):
        assert listener() is not None
    assert listener() is None
