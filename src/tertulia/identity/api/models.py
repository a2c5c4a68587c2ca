"""What identity says and hears over HTTP."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr

from tertulia.identity.domain import (
    MAX_PASSWORD_LENGTH,
    ApiKey,
    Invitation,
    Member,
    Role,
    Session,
    Space,
    Theme,
    User,
)
from tertulia.identity.scopes import Scope
from tertulia.identity.service.invitations import OpenInvitation

Name = Annotated[str, Field(min_length=1, max_length=200, examples=["Ana María"])]
Email = Annotated[str, Field(min_length=3, max_length=254, examples=["ana@example.org"])]
Password = Annotated[
    SecretStr, Field(max_length=MAX_PASSWORD_LENGTH, examples=["a tired heron counts"])
]
Language = Annotated[
    str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35, examples=["es"])
]


class _In(BaseModel):
    """What is heard: a field nobody knows is a mistake worth telling."""

    model_config = ConfigDict(extra="forbid")


class UserMe(BaseModel):
    """The account of whoever asks."""

    id: UUID
    name: Name
    email: Email
    is_owner: bool = Field(description="Whether this is an owner of the whole server.")
    language: str | None = Field(description="Of the page; null follows the browser.")
    theme: Theme

    @classmethod
    def of(cls, user: User) -> "UserMe":
        return cls(
            id=user.id,
            name=user.name,
            email=user.email,
            is_owner=user.is_owner,
            language=user.language,
            theme=user.theme,
        )


class SpaceOut(BaseModel):
    """A space, and the role in it of whoever asks."""

    id: UUID
    name: Name
    role: Role

    @classmethod
    def of(cls, space: Space, role: Role) -> "SpaceOut":
        return cls(id=space.id, name=space.name, role=role)


class Me(BaseModel):
    """Who is asking, and where they may go."""

    user: UserMe
    spaces: list[SpaceOut]
    active_space_id: UUID | None = Field(description="Where things happen when no space is named.")
    csrf_token: str | None = Field(
        description="To be sent as `X-CSRF-Token` with every change, when a cookie signs the request."
    )
    features: list[str] = Field(
        description="What this server can do; the page shows the doors that are among them.",
        examples=[["live", "chat"]],
    )


class MeUpdate(_In):
    """What to change about oneself; what is left out stays."""

    name: Name | None = None
    language: Language | None = None
    theme: Theme | None = None
    active_space_id: UUID | None = None


class PasswordChange(_In):
    """A new password, and the one it replaces."""

    current: Password
    new: Password


class SessionOut(BaseModel):
    """A sign-in."""

    id: UUID
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    user_agent: str | None = Field(examples=["Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"])
    ip: str | None = Field(description="Where it was made from.", examples=["192.0.2.7"])
    current: bool = Field(description="Whether it is the one that asks.")

    @classmethod
    def of(cls, session: Session, current: UUID | None) -> "SessionOut":
        return cls(
            id=session.id,
            created_at=session.created_at,
            last_seen_at=session.last_seen_at,
            expires_at=session.expires_at,
            user_agent=session.user_agent,
            ip=session.address,
            current=session.id == current,
        )


class SessionList(BaseModel):
    """All sign-ins of one person."""

    items: list[SessionOut]


class OidcOut(BaseModel):
    """The single sign-on button."""

    name: str = Field(description="What it says.", examples=["Sign in with Example"])


class AuthOptions(BaseModel):
    """How one may come in."""

    first_start: bool = Field(description="Whether the server still waits for its first owner.")
    oidc: OidcOut | None
    password_min_length: int = Field(examples=[10])


class SignIn(_In):
    """E-mail and password."""

    email: str = Field(max_length=1000, examples=["ana@example.org"])
    password: Password


class TokenOut(BaseModel):
    """A token for programs, shown this once: `Authorization: Bearer …`."""

    token: str = Field(examples=["tb_…"])
    expires_at: datetime = Field(description="Later, when it is used.")


class Claim(_In):
    """The first owner."""

    link: str = Field(
        max_length=200, description="The secret of the one-time link.", examples=["tl_…"]
    )
    name: Name
    email: Email
    password: Password


class InvitationInfo(BaseModel):
    """What a link invites to."""

    space_name: str = Field(examples=["Newsroom"])
    role: Role
    inviter_name: str | None = Field(examples=["Ana María"])
    expires_at: datetime

    @classmethod
    def of(cls, open_: OpenInvitation) -> "InvitationInfo":
        return cls(
            space_name=open_.space.name,
            role=open_.invitation.role,
            inviter_name=open_.inviter.name if open_.inviter else None,
            expires_at=open_.invitation.expires_at,
        )


class InvitationAccept(_In):
    """A new account; empty when one is signed in."""

    name: Name | None = None
    email: Email | None = None
    password: Password | None = None


class InvitationCreate(_In):
    """Whom to invite."""

    role: Role = Role.MEMBER
    email: Email | None = Field(None, description="Then only this e-mail can accept.")


class InvitationOut(BaseModel):
    """An invitation that nobody has accepted yet."""

    id: UUID
    role: Role
    email: str | None
    created_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, invitation: Invitation) -> "InvitationOut":
        return cls(
            id=invitation.id,
            role=invitation.role,
            email=invitation.email,
            created_at=invitation.created_at,
            expires_at=invitation.expires_at,
        )


class InvitationList(BaseModel):
    """The open invitations of one space."""

    items: list[InvitationOut]


class InvitationCreated(BaseModel):
    """A fresh invitation; its link is shown this once."""

    id: UUID
    link: str = Field(examples=["https://tertulia.example.org/invitations/ti_…"])
    expires_at: datetime


class UserOut(BaseModel):
    """Somebody with an account."""

    id: UUID
    name: str
    email: str
    is_owner: bool
    disabled_at: datetime | None
    created_at: datetime
    last_seen_at: datetime | None

    @classmethod
    def of(cls, user: User) -> "UserOut":
        return cls(
            id=user.id,
            name=user.name,
            email=user.email,
            is_owner=user.is_owner,
            disabled_at=user.disabled_at,
            created_at=user.created_at,
            last_seen_at=user.last_seen_at,
        )


class UserPage(BaseModel):
    """One page of everybody."""

    items: list[UserOut]
    next_cursor: str | None


class UserUpdate(_In):
    """What to change about somebody; what is left out stays."""

    disabled: bool | None = Field(None, description="Whether they are kept out.")


class SpaceList(BaseModel):
    """The spaces one is in."""

    items: list[SpaceOut]


class SpaceWrite(_In):
    """A space's name."""

    name: Annotated[str, Field(min_length=1, max_length=200, examples=["Newsroom"])]


class MemberOut(BaseModel):
    """Somebody in a space."""

    user_id: UUID
    name: str
    email: str
    role: Role
    joined_at: datetime

    @classmethod
    def of(cls, member: Member) -> "MemberOut":
        return cls(
            user_id=member.user_id,
            name=member.name,
            email=member.email,
            role=member.role,
            joined_at=member.joined_at,
        )


class MemberList(BaseModel):
    """Everybody in a space."""

    items: list[MemberOut]


class MemberUpdate(_In):
    """Another role."""

    role: Role


class KeyCreate(_In):
    """What a key is for, and what it may do."""

    name: Annotated[str, Field(min_length=1, max_length=200, examples=["Nightly import"])]
    scopes: list[Annotated[str, Field(max_length=100)]] = Field(
        min_length=1, max_length=100, examples=[["identity:read", "status"]]
    )
    space_id: UUID | None = Field(None, description="Confines the key to one space.")
    expires_at: AwareDatetime | None = Field(None, description="Null keeps it until it is revoked.")


class KeyOut(BaseModel):
    """An API key, without its secret."""

    id: UUID
    name: str
    prefix: str = Field(description="How its secret begins.", examples=["tk_7Hq2mXwd"])
    scopes: list[str]
    space_id: UUID | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="To the minute.")

    @classmethod
    def of(cls, key: ApiKey) -> "KeyOut":
        return cls(**_key(key))


class KeyCreated(KeyOut):
    """A fresh API key; its secret is shown this once."""

    key: str = Field(examples=["tk_7Hq2mXwd…"])

    @classmethod
    def with_secret(cls, key: ApiKey, secret: str) -> "KeyCreated":
        return cls(**_key(key), key=secret)


class KeyList(BaseModel):
    """One's own keys."""

    items: list[KeyOut]


class ScopeOut(BaseModel):
    """Something a key may be given the right to do."""

    name: str = Field(examples=["identity:read"])
    description: str = Field(examples=["See the account, its spaces and their members."])

    @classmethod
    def of(cls, scope: Scope) -> "ScopeOut":
        return cls(name=scope.name, description=scope.description)


def _key(key: ApiKey) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "scopes": list(key.scopes),
        "space_id": key.space_id,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
    }
