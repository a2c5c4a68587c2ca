from collections.abc import AsyncIterator

import pytest_asyncio

from tertulia.speech.decoding import Decoder


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def decoder() -> AsyncIterator[Decoder]:
    decoder = Decoder()
    await decoder.start()
    yield decoder
    await decoder.close()
