"""Who people are here and what they may do: types and rules without a database or HTTP."""

import asyncio
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from tertulia.identity.errors import LastOwnerError, MissingScopeError, WeakPasswordError
from tertulia.kernel.errors import (
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    NotSignedInError,
)

IDENTITY_READ = "identity:read"
IDENTITY_WRITE = "identity:write"
KEYS = "keys"
WEBHOOKS = "webhooks"
STATUS = "status"
SPEECH = "speech"

MAX_PASSWORD_LENGTH = 1024


class Role(StrEnum):
    """What a member may do in a space; each role may do all that the ones below it may."""

    OWNER = "OWNER"
    ADMIN = "ADMIN"
    MEMBER = "MEMBER"

    @property
    def rank(self) -> int:
        return {"MEMBER": 1, "ADMIN": 2, "OWNER": 3}[self.value]

    def at_least(self, other: "Role") -> bool:
        return self.rank >= other.rank


class Theme(StrEnum):
    """How the page looks."""

    AUTO = "auto"
    LIGHT = "light"
    DARK = "dark"


class SessionKind(StrEnum):
    """Where a sign-in lives: in the page's cookie, or in a program's bearer token."""

    COOKIE = "cookie"
    TOKEN = "token"  # noqa: S105 - the name of a kind, no secret


class PrincipalKind(StrEnum):
    """What somebody showed to be let in."""

    USER = "user"
    KEY = "key"
    GUEST = "guest"


@dataclass(frozen=True, slots=True)
class User:
    """A person with an account."""

    id: UUID
    email: str
    name: str
    is_owner: bool
    language: str | None
    theme: Theme
    active_space_id: UUID | None
    disabled_at: datetime | None
    created_at: datetime
    last_seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in of one person."""

    id: UUID
    user_id: UUID
    kind: SessionKind
    user_agent: str | None
    address: str | None
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key for programs; its secret is shown once and kept only as a hash."""

    id: UUID
    user_id: UUID
    space_id: UUID | None
    name: str
    prefix: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Space:
    """A place that conversations belong to and people are members of."""

    id: UUID
    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in a space."""

    space_id: UUID
    user_id: UUID
    email: str
    name: str
    role: Role
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class Invitation:
    """A link that makes one person a member, once."""

    id: UUID
    space_id: UUID
    role: Role
    email: str | None
    inviter_id: UUID | None
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class GuestToken:
    """The right to be in exactly one room under one name."""

    id: UUID
    space_id: UUID
    room: str
    identity: str
    display_name: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Device:
    """Where a sign-in came from, so that its owner recognises it."""

    user_agent: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A fresh sign-in and its secret, which is known only now."""

    user: User
    session: Session
    secret: str = field(repr=False)


class Revocation(Protocol):
    """Becomes set when what somebody was let in with is taken away."""

    def is_set(self) -> bool:
        """Whether it is known here that it was."""
        ...

    async def wait(self) -> None:
        """Returns when it was: within five seconds of its happening on any node."""
        ...


class Unrevoked:
    """Nobody takes this away."""

    def is_set(self) -> bool:
        return False

    async def wait(self) -> None:
        await asyncio.Event().wait()


Credential = tuple[PrincipalKind, UUID]
"""A session, an API key or a guest token, by its id."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking, in which spaces, with which rights."""

    kind: PrincipalKind
    credential_id: UUID
    """The session, API key or guest token it was shown."""
    user_id: UUID | None
    roles: Mapping[UUID, Role] = field(default_factory=dict)
    """Its role in each of its spaces."""
    scopes: frozenset[str] | None = None
    """What an API key was given; None for a person, who needs no scopes."""
    is_owner: bool = False
    """Whether this is an owner of the whole server."""
    active_space_id: UUID | None = None
    only_space_id: UUID | None = None
    """The one space an API key is confined to."""
    guest: GuestToken | None = None
    expires_at: datetime | None = None
    seen_at: datetime | None = None
    """The last use that was written down."""
    revoked: Revocation = field(default_factory=Unrevoked, compare=False, repr=False)

    @property
    def credential(self) -> Credential:
        return self.kind, self.credential_id

    @property
    def key_id(self) -> UUID | None:
        return self.credential_id if self.kind is PrincipalKind.KEY else None

    @property
    def session_id(self) -> UUID | None:
        return self.credential_id if self.kind is PrincipalKind.USER else None

    @property
    def label(self) -> str:
        """A name for limits and logs that gives nothing away."""
        owner = self.credential_id if self.kind is not PrincipalKind.USER else self.user_id
        return f"{self.kind}:{owner}"

    def can(self, scope: str) -> bool:
        """Whether it has `scope`; `x:write` includes `x:read`."""
        if self.kind is PrincipalKind.GUEST:
            return False
        if self.scopes is None or scope in self.scopes:
            return True
        noun, _, verb = scope.rpartition(":")
        return verb == "read" and f"{noun}:write" in self.scopes

    def need(self, scope: str) -> None:
        """Refuses who has not got `scope`."""
        if self.can(scope):
            return
        if self.kind is PrincipalKind.GUEST:
            raise ForbiddenError(
                "A guest may only be in the room it was invited to. Sign in with an account."
            )
        raise MissingScopeError(f"The API key lacks the scope `{scope}`. Use a key that has it.")

    def person(self) -> UUID:
        """The user behind it; a guest is nobody's."""
        if self.user_id is None:
            raise ForbiddenError("A guest has no account. Sign in with one.")
        return self.user_id

    def in_space(self, space_id: UUID) -> bool:
        return space_id in self.roles

    def role_in(self, space_id: UUID) -> Role | None:
        return self.roles.get(space_id)

    def need_role(self, space_id: UUID, minimum: Role = Role.MEMBER) -> Role:
        """Its role in the space; a space it is not in is answered as one that does not exist."""
        role = self.roles.get(space_id)
        if role is None:
            raise NotFoundError("There is no such space.")
        if not role.at_least(minimum):
            raise ForbiddenError(
                f"This takes the role {minimum} in the space. Ask one of its owners for it."
            )
        return role

    def space(self, asked: UUID | None = None) -> UUID:
        """The space something happens in: the one asked for, the key's own, the active one, or the only one."""
        if asked is not None:
            self.need_role(asked)
            return asked
        for choice in (self.only_space_id, self.active_space_id):
            if choice is not None and choice in self.roles:
                return choice
        if len(self.roles) == 1:
            return next(iter(self.roles))
        if not self.roles:
            raise ForbiddenError("You are in no space. Make one, or ask to be invited to one.")
        raise InvalidRequestError("You are in several spaces. Say which one with `space_id`.")

    def keeps(self, later: "Principal | None") -> bool:
        """Whether `later`, the same credential read again, may still do all that this one may."""
        if later is None or (self.is_owner and not later.is_owner):
            return False
        return all(
            (now := later.roles.get(space)) is not None and now.at_least(role)
            for space, role in self.roles.items()
        )


def need_person(principal: Principal) -> Principal:
    """Refuses everything but a signed-in person: a key may not change its maker's account."""
    if principal.kind is not PrincipalKind.USER:
        raise ForbiddenError("This is done by a person, not with an API key. Sign in.")
    return principal


def need_server_owner(principal: Principal) -> Principal:
    """Refuses everyone but the owners of this server."""
    if not principal.is_owner:
        raise ForbiddenError("Only an owner of this server may do this.")
    return principal


def check_role_change(actor: Role, before: Role | None, after: Role | None) -> None:
    """Who may give or take which role: owners any, admins those below OWNER, members none.

    `before` is None for somebody who is coming, `after` for somebody who is going.
    """
    if not actor.at_least(Role.ADMIN):
        raise ForbiddenError("Only owners and admins of the space may do this.")
    if actor is not Role.OWNER and Role.OWNER in (before, after):
        raise ForbiddenError("Only an owner of the space may do this to an owner, or make one.")


def check_owner_stays(members: Iterable[Member], leaving: UUID) -> None:
    """Refuses to take the role OWNER from the last who has it."""
    if not any(m.role is Role.OWNER and m.user_id != leaving for m in members):
        raise LastOwnerError("This is the space's last owner. Make somebody else an owner first.")


_EMAIL = re.compile(r"[^\s@<>\"',;:()\[\]\\]+@[^\s@<>\"',;:()\[\]\\]+")


def fold_email(email: str) -> str:
    """The one spelling under which an address is kept and looked for."""
    folded = unicodedata.normalize("NFKC", email).strip().casefold()
    if len(folded) > 254 or not _EMAIL.fullmatch(folded) or not folded.isprintable():
        raise InvalidRequestError("This is not an e-mail address. Write one like name@example.org.")
    return folded


def tidy_name(name: str) -> str:
    """A name without control characters and space around it."""
    tidy = " ".join("".join(c for c in name if c.isprintable() or c == " ").split())
    if not tidy:
        raise InvalidRequestError("The name is empty. Give one.")
    return tidy[:200]


def check_password(password: str, *, email: str, min_length: int) -> None:
    """Refuses passwords that are too short, too long, or the e-mail itself."""
    if len(password) < min_length:
        raise WeakPasswordError(f"The password is too short. Use at least {min_length} characters.")
    if len(password) > MAX_PASSWORD_LENGTH:
        raise WeakPasswordError(
            f"The password is too long. Use at most {MAX_PASSWORD_LENGTH} characters."
        )
    if password.casefold() == email or len(set(password)) < 4:
        raise WeakPasswordError(
            "The password is too easy to guess. Use a sentence, or a random one."
        )


def check_grant(giver: Principal, scopes: Iterable[str], space_id: UUID | None) -> None:
    """Refuses a key that may do more, or in more places, than who makes it."""
    for scope in scopes:
        giver.need(scope)
    if giver.only_space_id is not None and space_id != giver.only_space_id:
        raise ForbiddenError("The API key is confined to one space; keys it makes must be too.")


def usable(principal: Principal | None) -> Principal:
    """The principal, or the refusal that asks to sign in."""
    if principal is None:
        raise NotSignedInError(
            "This needs an account. Sign in, or send an API key as `Authorization: Bearer …`."
        )
    return principal
