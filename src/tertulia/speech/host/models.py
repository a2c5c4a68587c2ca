"""The models the host has loaded: by name, the least used leaving first when memory runs short."""

import ctypes
import gc
import importlib
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psutil

from tertulia.speech.engines.errors import EngineUnavailableError
from tertulia.speech.host.capacity import Costs
from tertulia.speech.local import LocalModel

ROOMY = 0.7
"""Past this share of the host's memory, a model nobody uses leaves before another is loaded."""


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """How a model is made: `factory` is `module:function`, called with `config` in the host."""

    factory: str
    config: Mapping[str, Any] = field(default_factory=dict)

    def load(self) -> LocalModel:
        module, _, name = self.factory.partition(":")
        make: Callable[[Mapping[str, Any]], LocalModel] = getattr(
            importlib.import_module(module), name
        )
        return make(self.config)


class LoadedModel:
    """A model in memory. One that is not shareable is loaded again for each worker that needs it at once."""

    def __init__(self, key: str, spec: ModelSpec, first: LocalModel) -> None:
        self.key = key
        self.spec = spec
        self.first = first
        self.costs = Costs()
        self.users = 0
        self.used_at = time.monotonic()
        self._idle = [first]
        self._lock = threading.Lock()

    @contextmanager
    def lease(self) -> Iterator[LocalModel]:
        """An instance this thread may call."""
        self.used_at = time.monotonic()
        if self.first.shareable:
            yield self.first
            return
        with self._lock:
            instance = self._idle.pop() if self._idle else None
        instance = instance or self.spec.load()
        try:
            yield instance
        finally:
            with self._lock:
                self._idle.append(instance)


class ModelCache:
    """Loads each model once; `get` blocks while it does."""

    def __init__(self, specs: Mapping[str, ModelSpec], memory_bytes: int) -> None:
        self._specs = specs
        self._memory_bytes = memory_bytes
        self._loaded: dict[str, LoadedModel] = {}
        self._lock = threading.Lock()

    @property
    def loaded(self) -> list[LoadedModel]:
        return list(self._loaded.values())

    def find(self, key: str) -> LoadedModel | None:
        return self._loaded.get(key)

    def get(self, key: str) -> LoadedModel:
        with self._lock:
            known = self._loaded.get(key)
            if known is None:
                known = self._load(key)
                self._loaded[key] = known
            known.used_at = time.monotonic()
            return known

    def evict(self, share: float = ROOMY) -> bool:
        """Lets go of unused models, oldest first, until memory is below `share`; says whether any went."""
        went = False
        while rss_bytes() > share * self._memory_bytes:
            idle = [model for model in self._loaded.values() if model.users == 0]
            if not idle:
                break
            del self._loaded[min(idle, key=lambda model: model.used_at).key]
            _give_back()
            went = True
        return went

    def _load(self, key: str) -> LoadedModel:
        spec = self._specs.get(key)
        if spec is None:
            raise EngineUnavailableError(f"The speech host knows no model called {key[:40]!r}.")
        self.evict()
        return LoadedModel(key, spec, spec.load())


def _give_back() -> None:
    """The child keeps freed memory for the next window; that of a model is of use to others."""
    gc.collect()
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)


def rss_bytes() -> int:
    """Memory this process really uses."""
    return int(psutil.Process().memory_info().rss)
