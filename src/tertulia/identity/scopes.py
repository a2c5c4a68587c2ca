"""What an API key may be given the right to do."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tertulia.identity.domain import IDENTITY_READ, IDENTITY_WRITE, KEYS, STATUS, WEBHOOKS
from tertulia.kernel.errors import InvalidRequestError


@dataclass(frozen=True, slots=True)
class Scope:
    """Something an API key may be given the right to do."""

    name: str
    description: str


class ScopeRegistry:
    """Every scope there is; packages above add theirs when the server is put together."""

    def __init__(self) -> None:
        self._scopes: dict[str, Scope] = {}
        self.register(IDENTITY_READ, "See the account, its spaces and their members.")
        self.register(IDENTITY_WRITE, "Make spaces, invite people and change their roles.")
        self.register(KEYS, "Make and revoke API keys with no more rights than its own.")
        self.register(WEBHOOKS, "See and change webhooks and their deliveries.")
        self.register(STATUS, "See the state of the server and its engines.")

    def register(self, name: str, description: str) -> str:
        """Adds a scope and gives its name back; the same name twice is a mistake in the program."""
        if name in self._scopes:
            raise ValueError(f"the scope {name} is registered twice")
        self._scopes[name] = Scope(name, description)
        return name

    def __iter__(self) -> Iterator[Scope]:
        return iter(sorted(self._scopes.values(), key=lambda scope: scope.name))

    def check(self, names: Iterable[str]) -> tuple[str, ...]:
        """The names in order and once each; an unknown one is refused with those there are."""
        wanted = sorted(set(names))
        if not wanted:
            raise InvalidRequestError(
                "The key has no scope and could do nothing. Give it at least one."
            )
        unknown = [name for name in wanted if name not in self._scopes]
        if unknown:
            raise InvalidRequestError(
                f"There is no scope {', '.join(unknown)}. There are: {', '.join(sorted(self._scopes))}."
            )
        return tuple(wanted)
