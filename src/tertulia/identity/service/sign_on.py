"""Single sign-on: who the provider's person is here."""

from datetime import timedelta
from typing import TYPE_CHECKING

from tertulia.identity.claims import Attempt, Claims
from tertulia.identity.domain import User
from tertulia.identity.errors import SingleSignOnError, SingleSignOnUnknownError
from tertulia.identity.service.users import UserService
from tertulia.identity.store import UserStore
from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Transaction
from tertulia.kernel.errors import NotFoundError
from tertulia.kernel.ids import secret_hash

if TYPE_CHECKING:
    from tertulia.identity.oidc import OidcProvider

ATTEMPT_LIFE = timedelta(minutes=10)


class SignOnService:
    """Sign-ons under way, and the accounts they end in."""

    def __init__(
        self,
        provider: "OidcProvider | None",
        users: UserService,
        store: UserStore,
        clock: Clock,
        *,
        create_users: bool,
    ) -> None:
        self._provider = provider
        self._users = users
        self._store = store
        self._clock = clock
        self._create_users = create_users

    @property
    def provider(self) -> "OidcProvider":
        """The provider; there may be none."""
        if self._provider is None:
            raise NotFoundError("Single sign-on is not set up. Sign in with e-mail and password.")
        return self._provider

    async def begin(self, tx: Transaction, return_to: str) -> Attempt:
        """Remembers what the provider's answer must match."""
        attempt = self.provider.attempt(return_to)
        now = self._clock.now()
        await self._store.put_attempt(
            tx,
            state_hash=secret_hash(attempt.state),
            nonce=attempt.nonce,
            code_verifier=attempt.code_verifier,
            return_to=attempt.return_to,
            now=now,
            expires_at=now + ATTEMPT_LIFE,
        )
        return attempt

    async def take(self, tx: Transaction, state: str) -> Attempt:
        """The sign-on the person came back from, once."""
        found = await self._store.take_attempt(tx, secret_hash(state), self._clock.now())
        if found is None:
            raise SingleSignOnError("This sign-on took too long or was done already. Start again.")
        return Attempt(state, *found)

    async def user(self, tx: Transaction, claims: Claims) -> User:
        """The account of whom the provider named: by their subject, or else by a verified e-mail."""
        user = await self._store.find_by_subject(tx, claims.issuer, claims.subject)
        if user is None:
            user = await self._by_email(tx, claims)
            await self._store.link_subject(
                tx, claims.issuer, claims.subject, user.id, self._clock.now()
            )
        if user.disabled_at is not None:
            raise SingleSignOnError("This account is disabled. Ask an owner of the server.")
        return user

    async def _by_email(self, tx: Transaction, claims: Claims) -> User:
        if not claims.email or not claims.email_verified:
            raise SingleSignOnError(
                "The provider has no verified e-mail of yours. Verify it there and try again."
            )
        user = await self._users.find_by_email(tx, claims.email)
        if user is not None:
            return user
        if not self._create_users:
            raise SingleSignOnUnknownError(
                "Nobody here has the e-mail your provider gave. Ask to be invited first."
            )
        return await self._users.create(
            tx,
            email=claims.email,
            name=claims.name or claims.email.partition("@")[0],
            password=None,
        )
