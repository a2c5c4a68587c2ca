"""An OpenID Connect provider on loopback that speaks the real protocol: discovery, authorization code with PKCE, RS256."""

import base64
import hashlib
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT_ID = "tertulia"
CLIENT_SECRET = "a secret between two servers"


@dataclass
class Code:
    """An authorization code that was given out and not yet traded in."""

    nonce: str
    challenge: str
    redirect_uri: str
    person: dict[str, Any]


@dataclass
class FakeOidcProvider:
    """Runs in a thread. What it says can be bent, to see that a bent answer is refused."""

    person: dict[str, Any] = field(
        default_factory=lambda: {
            "sub": "248289761001",
            "email": "owner@example.org",
            "email_verified": True,
            "name": "Owner",
        }
    )
    """Who sits at the browser and is signed in here."""
    claims: dict[str, Any] = field(default_factory=dict)
    """Put over the claims of the id_token."""
    issuer: str | None = None
    """Claimed instead of its own address."""
    email_in_token: bool = True
    denies: bool = False
    signs_with_unpublished_key: bool = False

    def __post_init__(self) -> None:
        self._codes: dict[str, Code] = {}
        self._tokens: dict[str, dict[str, Any]] = {}
        self._key = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()
        self.requests: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def change_keys(self) -> None:
        """Signs with a new key from now on, and publishes only that."""
        self._key = RSAKey.generate_key(2048, {"kid": secrets.token_hex(4), "use": "sig"})

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer or self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "jwks_uri": f"{self.url}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "code_challenge_methods_supported": ["S256"],
        }

    def keys(self) -> dict[str, Any]:
        return dict(KeySet([self._key]).as_dict(private=False))

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser goes next: back, with a code."""
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT_ID
        assert query["code_challenge_method"] == "S256"
        assert "openid" in query["scope"].split()
        if self.denies:
            answer = {"error": "access_denied", "state": query["state"]}
        else:
            code = secrets.token_urlsafe()
            self._codes[code] = Code(
                query["nonce"], query["code_challenge"], query["redirect_uri"], dict(self.person)
            )
            answer = {"code": code, "state": query["state"]}
        return f"{query['redirect_uri']}?{urlencode(answer)}"

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        expected = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if authorization != f"Basic {expected}":
            return 401, {"error": "invalid_client"}
        code = self._codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if (
            code is None
            or code.challenge != challenge
            or code.redirect_uri != form.get("redirect_uri")
            or form.get("grant_type") != "authorization_code"
        ):
            return 400, {"error": "invalid_grant"}
        access_token = secrets.token_urlsafe()
        self._tokens[access_token] = code.person
        return 200, {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": 300,
            "id_token": self._id_token(code),
        }

    def userinfo(self, authorization: str) -> tuple[int, dict[str, Any]]:
        person = self._tokens.get(authorization.removeprefix("Bearer "))
        return (200, person) if person else (401, {"error": "invalid_token"})

    def _id_token(self, code: Code) -> str:
        now = int(time.time())
        person = code.person if self.email_in_token else {"sub": code.person["sub"]}
        claims = {
            "iss": self.issuer or self.url,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": code.nonce,
            **person,
            **self.claims,
        }
        key = self._key
        if self.signs_with_unpublished_key:
            key = RSAKey.generate_key(2048, {"kid": self._key.kid or "", "use": "sig"})
        return jwt.encode({"alg": "RS256", "kid": self._key.kid}, claims, key)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                address = urlsplit(self.path)
                provider.requests.append(address.path)
                query = {k: v[0] for k, v in parse_qs(address.query).items()}
                if address.path == "/.well-known/openid-configuration":
                    self._json(200, provider.metadata())
                elif address.path == "/jwks":
                    self._json(200, provider.keys())
                elif address.path == "/userinfo":
                    self._json(*provider.userinfo(self.headers.get("Authorization", "")))
                elif address.path == "/authorize":
                    self.send_response(302)
                    self.send_header("Location", provider.authorize(query))
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                else:
                    self._json(404, {"error": "not_found"})

            def do_POST(self) -> None:
                provider.requests.append(self.path)
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = {k: v[0] for k, v in parse_qs(body).items()}
                self._json(*provider.token(form, self.headers.get("Authorization", "")))

            def _json(self, status: int, document: dict[str, Any]) -> None:
                body = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        return Handler
