"""Single sign-on with an OpenID Connect provider: discovery, PKCE, nonce, and an id_token that is checked."""

import time
from typing import Any

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from tertulia.identity.claims import Attempt, Claims
from tertulia.identity.errors import SingleSignOnError
from tertulia.kernel.clock import Clock
from tertulia.kernel.errors import UnavailableError
from tertulia.kernel.ids import new_secret
from tertulia.kernel.settings import Settings

TRUSTED_ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
"""Signatures by a key only the provider has; `none` and shared secrets are not among them."""
METADATA_SECONDS = 3600.0
LEEWAY_SECONDS = 60
TIMEOUT_SECONDS = 10.0


class OidcProvider:
    """The provider named by the settings."""

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: str | None,
        *,
        clock: Clock,
        trust_email: bool = False,
    ) -> None:
        self.issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._clock = clock
        self._trust_email = trust_email
        self._metadata: dict[str, Any] | None = None
        self._metadata_until = 0.0
        self._keys: KeySet | None = None

    @classmethod
    def of(cls, settings: Settings, clock: Clock) -> "OidcProvider | None":
        """The provider of the settings, or None when there is none."""
        if not settings.oidc_issuer or not settings.oidc_client_id:
            return None
        secret = settings.oidc_client_secret
        return cls(
            settings.oidc_issuer,
            settings.oidc_client_id,
            secret.get_secret_value() if secret else None,
            clock=clock,
            trust_email=settings.oidc_trust_email,
        )

    @staticmethod
    def attempt(return_to: str) -> Attempt:
        """Fresh secrets for one sign-on."""
        return Attempt(new_secret(), new_secret(), new_secret(length=64), return_to)

    async def address(self, attempt: Attempt, redirect_uri: str) -> str:
        """Where the person is sent to prove who they are."""
        async with self._client(redirect_uri) as client:
            metadata = await self._discover(client)
            url, _ = client.create_authorization_url(
                metadata["authorization_endpoint"],
                state=attempt.state,
                nonce=attempt.nonce,
                code_verifier=attempt.code_verifier,
            )
            return str(url)

    async def redeem(self, attempt: Attempt, code: str, redirect_uri: str) -> Claims:
        """Trades the code the person came back with for who they are."""
        try:
            async with self._client(redirect_uri) as client:
                metadata = await self._discover(client)
                methods = metadata.get("token_endpoint_auth_methods_supported")
                if self._client_secret and methods and "client_secret_basic" not in methods:
                    client.token_endpoint_auth_method = "client_secret_post"  # noqa: S105 - a method's name
                token = await client.fetch_token(
                    metadata["token_endpoint"], code=code, code_verifier=attempt.code_verifier
                )
                claims = await self._check(client, metadata, token, attempt.nonce)
                if "email" not in claims and metadata.get("userinfo_endpoint"):
                    claims |= await self._userinfo(client, metadata, claims["sub"])
        except (OAuthError, JoseError, KeyError, TypeError, ValueError):
            # The library's words may quote the token.
            raise SingleSignOnError(
                "The provider's answer could not be verified. Try again."
            ) from None
        except httpx2.HTTPError:
            raise self._away() from None
        return Claims(
            issuer=self.issuer,
            subject=str(claims["sub"]),
            email=claims.get("email"),
            email_verified=claims.get("email_verified", self._trust_email) in (True, "true"),
            name=claims.get("name"),
        )

    def _client(self, redirect_uri: str) -> AsyncOAuth2Client:
        return AsyncOAuth2Client(
            client_id=self._client_id,
            client_secret=self._client_secret,
            scope="openid email profile",
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            timeout=TIMEOUT_SECONDS,
        )

    async def _discover(self, client: AsyncOAuth2Client) -> dict[str, Any]:
        if self._metadata is not None and self._clock.monotonic() < self._metadata_until:
            return self._metadata
        metadata = await self._get(
            client, self.issuer.rstrip("/") + "/.well-known/openid-configuration"
        )
        if str(metadata.get("issuer", "")).rstrip("/") != self.issuer.rstrip("/"):
            raise SingleSignOnError(
                "The provider calls itself otherwise than TERTULIA_OIDC_ISSUER does. Correct the setting."
            )
        self._metadata = metadata
        self._metadata_until = self._clock.monotonic() + METADATA_SECONDS
        self._keys = None
        return metadata

    async def _check(
        self,
        client: AsyncOAuth2Client,
        metadata: dict[str, Any],
        token: dict[str, Any],
        nonce: str,
    ) -> dict[str, Any]:
        offered = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
        algorithms = sorted(TRUSTED_ALGORITHMS.intersection(offered))
        try:
            decoded = jwt.decode(
                token["id_token"], await self._key_set(client, metadata), algorithms=algorithms
            )
        except InvalidKeyIdError:
            # The provider has changed its keys since we read them.
            self._keys = None
            decoded = jwt.decode(
                token["id_token"], await self._key_set(client, metadata), algorithms=algorithms
            )
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            {
                "iss": {"essential": True, "value": metadata["issuer"]},
                "aud": {"essential": True, "value": self._client_id},
            },
            {
                "nonce": nonce,
                "client_id": self._client_id,
                "access_token": token.get("access_token"),
            },
        )
        claims.validate(now=int(time.time()), leeway=LEEWAY_SECONDS)
        return dict(claims)

    async def _key_set(self, client: AsyncOAuth2Client, metadata: dict[str, Any]) -> KeySet:
        if self._keys is None:
            found: Any = await self._get(client, metadata["jwks_uri"])
            self._keys = KeySet.import_key_set(found)
        return self._keys

    async def _userinfo(
        self, client: AsyncOAuth2Client, metadata: dict[str, Any], subject: str
    ) -> dict[str, Any]:
        response = await client.get(metadata["userinfo_endpoint"])
        response.raise_for_status()
        said: dict[str, Any] = response.json()
        if said.get("sub") != subject:
            raise SingleSignOnError("The provider spoke of two people. Try again.")
        return {k: said[k] for k in ("email", "email_verified", "name") if k in said}

    async def _get(self, client: AsyncOAuth2Client, url: str) -> dict[str, Any]:
        try:
            response = await client.request("GET", url, withhold_token=True)
            response.raise_for_status()
            found: dict[str, Any] = response.json()
        except (httpx2.HTTPError, ValueError):
            raise self._away() from None
        return found

    def _away(self) -> UnavailableError:
        return UnavailableError(
            "The single sign-on provider does not answer. Try again, or sign in with a password.",
            retry_after_seconds=10,
        )
