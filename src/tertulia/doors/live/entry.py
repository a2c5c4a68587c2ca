"""Who may come in by a socket: a person, an API key, or a session's own token."""

from dataclasses import dataclass
from urllib.parse import parse_qsl
from uuid import UUID

from starlette.requests import HTTPConnection
from starlette.types import Scope

from tertulia.doors.live import tokens
from tertulia.doors.live.domain import SessionMissingError, StreamingSession
from tertulia.doors.live.errors import Close, Code, LiveError
from tertulia.doors.live.protocol import BEARER
from tertulia.doors.live.service import LiveService
from tertulia.identity.access import Access
from tertulia.identity.authenticator import Authenticator, Shown
from tertulia.identity.domain import SPEECH, Principal, PrincipalKind
from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Database
from tertulia.kernel.errors import NotSignedInError
from tertulia.transcripts.domain import READ

MOST_PARAMETERS = 32


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is at the door, and the session their token is for, if it is one."""

    principal: Principal
    session: StreamingSession | None = None
    role: tokens.TokenRole | None = None


class Doorkeeper:
    """Finds out who opens a socket, and for which session."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        service: LiveService,
        access: Access,
        authenticator: Authenticator,
    ) -> None:
        self._database = database
        self._clock = clock
        self._service = service
        self._access = access
        self._authenticator = authenticator

    async def visitor(self, scope: Scope) -> Visitor:
        """Who it is; refused when nobody."""
        connection = HTTPConnection(scope)
        secret = _bearer(scope)
        shown = Shown(secret) if secret else self._access.shown(connection)
        if shown is not None and shown.secret.startswith(tokens.PREFIX) and not shown.by_cookie:
            return await self._by_token(shown.secret)
        principal = (
            await self._authenticator.authenticate(shown)
            if secret and shown is not None
            else await self._access.find(connection)
        )
        if principal is None or principal.kind is PrincipalKind.GUEST:
            raise NotSignedInError("Send an API key, or the token of a session.")
        return Visitor(principal)

    async def _by_token(self, secret: str) -> Visitor:
        token = tokens.read(secret)
        if token is None or token.expires_at <= self._clock.now():
            raise NotSignedInError("The token has expired. Get a fresh one for the session.")
        async with self._database.transaction() as tx:
            session = await self._service.find(tx, token.session_id)
        if session is None or not token.signed_with(session.token_key):
            raise NotSignedInError("The token is wrong. Get one for the session.")
        principal = None
        if session.credential_id is not None:
            credential = (PrincipalKind(session.credential_kind), session.credential_id)
            principal = await self._authenticator.standing(credential)
        if principal is None:
            raise NotSignedInError("What made the session is no longer valid. Sign in again.")
        return Visitor(principal, session, token.role)

    async def speaker(self, visitor: Visitor, session_id: UUID) -> StreamingSession:
        """The session, if the visitor may speak in it."""
        session = await self._session(visitor, session_id)
        if visitor.role is tokens.TokenRole.LISTENER:
            raise LiveError(
                Code.NOT_AUTHORIZED, "The token is for listening.", close=Close.NOT_AUTHORIZED
            )
        if visitor.role is None:
            visitor.principal.need(SPEECH)
        if session.user_id != visitor.principal.user_id:
            raise SessionMissingError
        return session

    async def listener(self, visitor: Visitor, session_id: UUID) -> StreamingSession:
        """The session, if the visitor may follow it."""
        session = await self._session(visitor, session_id)
        own = session.user_id == visitor.principal.user_id
        if visitor.role is None and not (own and visitor.principal.can(SPEECH)):
            visitor.principal.need(READ)
        return session

    async def _session(self, visitor: Visitor, session_id: UUID) -> StreamingSession:
        if visitor.session is not None:
            session: StreamingSession | None = visitor.session
        else:
            async with self._database.transaction() as tx:
                session = await self._service.find(tx, session_id)
        if (
            session is None
            or session.session_id != session_id
            or not visitor.principal.in_space(session.space_id)
        ):
            raise SessionMissingError
        return session


def _bearer(scope: Scope) -> str | None:
    """The secret among the subprotocols: the only place where a browser can put one."""
    for name in scope.get("subprotocols", ()):
        if name.startswith(BEARER):
            return str(name[len(BEARER) :])
    return None


def query(scope: Scope) -> dict[str, str]:
    """The query parameters, each once."""
    raw = scope.get("query_string", b"").decode("latin-1")
    try:
        return dict(parse_qsl(raw, max_num_fields=MOST_PARAMETERS, errors="replace"))
    except ValueError:
        raise LiveError(
            Code.INVALID_MESSAGE, "The address has too many parameters.", close=Close.BAD_ADDRESS
        ) from None


def session_id_of(parameters: dict[str, str]) -> UUID | None:
    """The session the address names."""
    named = parameters.get("session_id")
    if not named:
        return None
    try:
        return UUID(named)
    except ValueError:
        raise LiveError(
            Code.INVALID_SESSION, "session_id: it is no session's.", close=Close.NO_SUCH_SESSION
        ) from None
