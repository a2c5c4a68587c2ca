"""Bots: made, found, changed, removed, taken along as files."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy.exc import IntegrityError

from tertulia.bots import files, shipped
from tertulia.bots.domain import (
    MOST_BOTS,
    Bot,
    BotFileError,
    BotMissingError,
    BotNameTakenError,
    BotOutdatedError,
    BotShippedError,
    HttpTool,
    TooManyBotsError,
    checked,
    keeping_secrets,
    secret_place,
)
from tertulia.bots.protocol import BotDefinition
from tertulia.bots.script import parse
from tertulia.bots.store import BotStore
from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Transaction
from tertulia.kernel.ids import new_id
from tertulia.kernel.sealing import Seal, Sealed, sealed_values

Spaces = Sequence[UUID]


class BotService:
    """The bots of spaces, and those that come with the server. Whoever asks says in which spaces they are."""

    def __init__(self, clock: Clock, seal: Seal, *, default: str = "") -> None:
        self._store = BotStore()
        self._seal = seal
        self._clock = clock
        self._default = default

    async def create(self, tx: Transaction, space_id: UUID, bot: Bot) -> Bot:
        """Adds a bot to a space."""
        if await self._store.count(tx, space_id) >= MOST_BOTS:
            raise TooManyBotsError(f"A space has at most {MOST_BOTS} bots. Remove one first.")
        now = self._clock.now()
        new = replace(
            check(keeping_secrets(bot, None)),
            id=new_id(),
            space_id=space_id,
            version=1,
            created_at=now,
            updated_at=now,
        )
        new = self._sealed(new)
        try:
            async with tx.session.begin_nested():
                await self._store.add(tx, new)
        except IntegrityError:
            raise BotNameTakenError("Give the bot another name.") from None
        return new

    async def get(self, tx: Transaction, spaces: Spaces | None, id_: UUID) -> Bot:
        """A bot that may be talked to; None for `spaces` stands for any."""
        found = shipped.shipped_bot(id_) or await self._store.find(tx, id_, spaces)
        if found is None:
            raise BotMissingError(
                "Choose another: GET /api/bots and `tertulia bots list` name those there are."
            )
        return found

    async def choose(
        self, tx: Transaction, spaces: Spaces, asked: str | None, language: str | None = None
    ) -> Bot:
        """The bot asked for by its id or name; without one the server's own choice, or the host."""
        name = (asked or self._default).strip()
        if not name:
            return shipped.host(language)
        try:
            return await self.get(tx, spaces, UUID(name))
        except ValueError:
            found = await self._store.named(tx, spaces, name) or shipped.shipped_named(name)
        if found is None:
            raise BotMissingError(
                "Choose another: GET /api/bots and `tertulia bots list` name those there are."
            )
        return found

    async def list(self, tx: Transaction, spaces: Spaces) -> Sequence[Bot]:
        """Those of the spaces by name, then those that come with the server."""
        return [*await self._store.list(tx, spaces), *shipped.shipped_bots()]

    async def update(
        self, tx: Transaction, spaces: Spaces, id_: UUID, new: Bot, version: int | None = None
    ) -> Bot:
        """Puts a new definition in the place of the old one."""
        found = await self._own(tx, spaces, id_)
        if version is not None and version != found.version:
            raise BotOutdatedError(
                f"It is at version {found.version} by now. Read it again and repeat the change."
            )
        changed = replace(
            check(keeping_secrets(new, found)),
            id=found.id,
            space_id=found.space_id,
            version=found.version + 1,
            created_at=found.created_at,
            updated_at=self._clock.now(),
        )
        changed = self._sealed(changed)
        try:
            async with tx.session.begin_nested():
                await self._store.change(tx, changed)
        except IntegrityError:
            raise BotNameTakenError("Give the bot another name.") from None
        return changed

    async def delete(self, tx: Transaction, spaces: Spaces, id_: UUID) -> None:
        """Removes a bot; what was said with it stays."""
        found = await self._own(tx, spaces, id_)
        await self._store.remove(tx, found.id)

    async def import_file(self, tx: Transaction, space_id: UUID, data: bytes) -> Bot:
        """Makes a bot of a file; a name that is taken gets a number."""
        bot = from_file(data)
        taken = {b.name.lower() for b in await self._store.list(tx, [space_id])}
        name, number = bot.name, 2
        while name.lower() in taken:
            name, number = f"{bot.name} {number}", number + 1
        return await self.create(tx, space_id, replace(bot, name=name))

    def cannot_call(self, bot: Bot) -> str | None:
        """Why a tool of the bot cannot be called here: its secrets were sealed with a key that is not here."""
        for tool in bot.tools:
            for value in sealed_values(list(tool.headers.values())):
                if not self._seal.knows(value):
                    return f"{tool.name}: {self._seal.missing()}"
        return None

    async def seal_anew(self, tx: Transaction) -> int:
        """Seals what older versions kept in plain, and what an older key has sealed; says how many bots that were."""
        found = [bot for bot in await self._store.with_secrets(tx) if not self._is_current(bot)]
        for bot in found:
            await self._store.change(tx, self._sealed(bot))
        return len(found)

    def _is_current(self, bot: Bot) -> bool:
        """What cannot be opened stays as it is."""
        return all(
            value == ""
            or (
                isinstance(value, Sealed)
                and (self._seal.is_current(value) or not self._seal.knows(value))
            )
            for tool in bot.tools
            for value in tool.headers.values()
        )

    def _sealed(self, bot: Bot) -> Bot:
        def sealed(tool: HttpTool, name: str, value: str | Sealed) -> str | Sealed:
            place = secret_place(bot.id, tool.name, name)
            if isinstance(value, Sealed):
                if self._seal.is_current(value) or not self._seal.knows(value):
                    return value
                value = self._seal.open(value, place)
            return self._seal.seal(value, place) if value else value

        tools = tuple(
            replace(tool, headers={n: sealed(tool, n, v) for n, v in tool.headers.items()})
            for tool in bot.tools
        )
        return replace(bot, tools=tools)

    async def _own(self, tx: Transaction, spaces: Spaces, id_: UUID) -> Bot:
        if shipped.shipped_bot(id_) is not None:
            raise BotShippedError("Copy it, and change the copy.")
        found = await self._store.find(tx, id_, spaces, lock=True)
        if found is None:
            raise BotMissingError(
                "Choose another: GET /api/bots and `tertulia bots list` name those there are."
            )
        return found


def check(bot: Bot) -> Bot:
    """The bot in one spelling, or what is wrong with it or its script."""
    tools = parse(bot.script).tools if bot.script.strip() else ()
    return checked(bot, tools)


def to_file(bot: Bot) -> str:
    """The bot as a file. Secrets in tools' headers stay here."""
    return files.written(BotDefinition.fields_of(bot, masked=False))


def from_file(data: bytes) -> Bot:
    """The bot a file describes."""
    try:
        definition = BotDefinition.model_validate(files.read(data))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BotFileError(f"{where}: {first['msg']}.") from None
    return check(definition.bot(new_id(), None))
