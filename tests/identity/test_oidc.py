"""Single sign-on against a provider that speaks the real protocol."""

from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from pydantic import SecretStr
from sqlalchemy import text
from tests.fakes.oidc import CLIENT_ID, CLIENT_SECRET, FakeOidcProvider
from tests.fixtures.identity import Person, cheap_passwords, make_person

from tertulia.identity.access import Access
from tertulia.identity.accounts import Accounts
from tertulia.identity.api import router
from tertulia.identity.api.oidc import own_path
from tertulia.identity.authenticator import Authenticator
from tertulia.identity.rate_limits import RateLimiter
from tertulia.identity.revocation import RevocationWatch
from tertulia.identity.service import IdentityService
from tertulia.kernel.clock import HeldClock
from tertulia.kernel.database import Database
from tertulia.kernel.errors import TertuliaError
from tertulia.kernel.http import problem_response
from tertulia.kernel.settings import Settings

START = "/api/auth/oidc/start"


@pytest.fixture
def provider() -> Iterator[FakeOidcProvider]:
    provider = FakeOidcProvider()
    yield provider
    provider.stop()


@pytest.fixture
def create_users() -> bool:
    return False


class Site:
    """A server with single sign-on, and a browser in front of it."""

    def __init__(self, browser: httpx.AsyncClient, provider: FakeOidcProvider) -> None:
        self.browser = browser
        self.provider = provider

    async def to_provider(self, start: str = START) -> str:
        """Follows the browser to the provider and gives the address it is sent back to."""
        sent = await self.browser.get(start)
        assert sent.status_code == 302
        async with httpx.AsyncClient(timeout=60) as outside:
            back = await outside.get(sent.headers["location"])
        return str(back.headers["location"])

    async def sign_on(self, start: str = START) -> str:
        """Goes all the way; gives the page one ends at."""
        answer = await self.browser.get(await self.to_provider(start))
        assert answer.status_code == 302
        return str(answer.headers["location"])

    async def refused(self, code: str = "single_sign_on_failed") -> None:
        assert await self.sign_on() == f"/sign-in?error={code}"
        assert (await self.browser.get("/api/me")).status_code == 401


@pytest.fixture
def sign_on_identity(
    identity_settings: Settings,
    identity_clock: HeldClock,
    provider: FakeOidcProvider,
    create_users: bool,
) -> IdentityService:
    settings = identity_settings.model_copy(
        update={
            "oidc_issuer": provider.url,
            "oidc_client_id": CLIENT_ID,
            "oidc_client_secret": SecretStr(CLIENT_SECRET),
            "oidc_create_users": create_users,
        }
    )
    return IdentityService(settings, identity_clock, passwords=cheap_passwords())


@pytest.fixture
def sign_on_authenticator(
    database: Database, identity_clock: HeldClock, sign_on_identity: IdentityService
) -> Authenticator:
    changes = sign_on_identity.changes
    watch = RevocationWatch(database, identity_clock, changes)
    life = sign_on_identity.sessions.life
    return Authenticator(database, identity_clock, changes, watch, session_life=life)


@pytest.fixture
async def site(
    database: Database,
    sign_on_identity: IdentityService,
    sign_on_authenticator: Authenticator,
    identity_clock: HeldClock,
    identity_settings: Settings,
    provider: FakeOidcProvider,
) -> AsyncIterator[Site]:
    settings = identity_settings.model_copy(update={"oidc_issuer": provider.url})
    app = FastAPI()
    app.state.database = database
    access = Access(sign_on_authenticator)
    accounts = Accounts(database, identity_clock, sign_on_identity)
    app.include_router(router(sign_on_identity, access, accounts, RateLimiter(settings), settings))

    @app.exception_handler(TertuliaError)
    async def known(_: Request, error: TertuliaError) -> Response:
        return problem_response(error)

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://tertulia.test"
    ) as browser:
        yield Site(browser, provider)


@pytest.fixture
async def person(
    database: Database, sign_on_identity: IdentityService, sign_on_authenticator: Authenticator
) -> Person:
    return await make_person(database, sign_on_identity, sign_on_authenticator, "owner")


@pytest.mark.db
class TestSignOn:
    async def test_a_known_person_comes_in_by_verified_email(
        self, site: Site, person: Person
    ) -> None:
        assert await site.sign_on(f"{START}?next=/calls?day=1") == "/calls?day=1"
        me = (await site.browser.get("/api/me")).json()
        assert me["user"]["id"] == str(person.user.id)
        assert me["csrf_token"]

    async def test_the_sign_in_page_offers_it(self, site: Site) -> None:
        options = (await site.browser.get("/api/auth/options")).json()
        assert options["oidc"] == {"name": "Single sign-on"}

    async def test_later_they_are_known_by_subject_whatever_their_email_becomes(
        self, site: Site, person: Person
    ) -> None:
        await site.sign_on()
        site.provider.person |= {"email": "married@example.org", "email_verified": False}
        assert await site.sign_on() == "/"
        me = (await site.browser.get("/api/me")).json()
        assert me["user"]["id"] == str(person.user.id)

    async def test_the_email_may_come_from_userinfo(self, site: Site, person: Person) -> None:
        site.provider.email_in_token = False
        assert await site.sign_on() == "/"
        assert "/userinfo" in site.provider.requests

    async def test_discovery_and_keys_are_read_once(self, site: Site, person: Person) -> None:
        for _ in range(3):
            assert await site.sign_on() == "/"
        assert site.provider.requests.count("/.well-known/openid-configuration") == 1
        assert site.provider.requests.count("/jwks") == 1

    async def test_a_new_key_of_the_provider_is_fetched(self, site: Site, person: Person) -> None:
        await site.sign_on()
        site.provider.change_keys()
        assert await site.sign_on() == "/"

    @pytest.mark.parametrize(
        "claims",
        [
            {"nonce": "another"},
            {"nonce": None},
            {"aud": "another client"},
            {"aud": ["tertulia", "another"], "azp": "another"},
            {"iss": "https://evil.example"},
            {"exp": 1_000_000_000},
            {"iat": 32_000_000_000},
            {"at_hash": "bm90IHRoZSBoYXNo"},
        ],
    )
    async def test_a_bent_token_is_refused(
        self, site: Site, person: Person, claims: dict[str, Any]
    ) -> None:
        site.provider.claims = claims
        await site.refused()

    async def test_a_forged_signature_is_refused(self, site: Site, person: Person) -> None:
        site.provider.signs_with_unpublished_key = True
        await site.refused()

    async def test_an_unverified_email_is_nobodys(self, site: Site, person: Person) -> None:
        site.provider.person["email_verified"] = False
        await site.refused()

    @pytest.mark.parametrize("trust_email", [True, False])
    async def test_silence_about_an_email_is_trusted_only_where_that_is_set(
        self, site: Site, sign_on_identity: IdentityService, person: Person, trust_email: bool
    ) -> None:
        del site.provider.person["email_verified"]
        sign_on_identity.sign_on.provider._trust_email = trust_email
        if trust_email:
            assert await site.sign_on() == "/"
        else:
            await site.refused()

    async def test_who_is_not_known_is_told(self, site: Site, person: Person) -> None:
        site.provider.person |= {"sub": "2", "email": "stranger@example.org"}
        await site.refused("single_sign_on_unknown")

    async def test_who_is_disabled_stays_out(
        self, database: Database, site: Site, person: Person
    ) -> None:
        async with database.transaction() as tx:
            await tx.session.execute(text("update users set disabled_at = now()"))
        await site.refused()

    async def test_who_says_no_at_the_provider_is_not_in(self, site: Site, person: Person) -> None:
        site.provider.denies = True
        await site.refused()

    async def test_an_answer_works_once(self, site: Site, person: Person) -> None:
        back = await site.to_provider()
        site.browser.cookies = httpx.Cookies(site.browser.cookies)
        state = site.browser.cookies["tertulia_sign_on"]
        assert (await site.browser.get(back)).headers["location"] == "/"
        again = await site.browser.get(back, headers={"Cookie": f"tertulia_sign_on={state}"})
        assert again.headers["location"] == "/sign-in?error=single_sign_on_failed"

    async def test_an_answer_another_browser_asked_for_is_refused(
        self, site: Site, person: Person
    ) -> None:
        back = await site.to_provider()
        site.browser.cookies.clear()
        answer = await site.browser.get(back)
        assert answer.headers["location"] == "/sign-in?error=single_sign_on_failed"

    async def test_an_answer_that_comes_too_late_is_refused(
        self, site: Site, person: Person, identity_clock: HeldClock
    ) -> None:
        back = await site.to_provider()
        await identity_clock.advance(601)
        answer = await site.browser.get(back)
        assert answer.headers["location"] == "/sign-in?error=single_sign_on_failed"

    async def test_a_provider_that_is_away_is_said_so(self, site: Site, person: Person) -> None:
        back = await site.to_provider()
        site.provider.stop()
        answer = await site.browser.get(back)
        assert answer.headers["location"] == "/sign-in?error=unavailable"

    async def test_a_provider_that_calls_itself_otherwise_is_refused(
        self, site: Site, person: Person
    ) -> None:
        site.provider.issuer = "https://evil.example"
        answer = await site.browser.get(START)
        assert answer.status_code == 401

    async def test_the_address_carries_no_secret_of_ours(self, site: Site) -> None:
        sent = (await site.browser.get(START)).headers["location"]
        query = parse_qs(urlsplit(sent).query)
        assert query["redirect_uri"] == ["http://tertulia.test/api/auth/oidc/callback"]
        assert "code_verifier" not in query
        assert CLIENT_SECRET not in sent


@pytest.mark.db
class TestNewcomers:
    @pytest.fixture
    def create_users(self) -> bool:
        return True

    async def test_they_get_an_account_where_that_is_set(self, site: Site) -> None:
        site.provider.person = {
            "sub": "3",
            "email": "New@Example.org",
            "email_verified": "true",
            "name": "New",
        }
        assert await site.sign_on() == "/"
        me = (await site.browser.get("/api/me")).json()
        assert (me["user"]["email"], me["user"]["name"]) == ("new@example.org", "New")
        assert [space["role"] for space in me["spaces"]] == ["OWNER"]
        assert not me["user"]["is_owner"]


@pytest.mark.unit
@pytest.mark.parametrize(
    ("asked", "goes"),
    [
        ("/calls", "/calls"),
        ("/calls?day=1#top", "/calls?day=1#top"),
        ("https://evil.example", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/a\r\nSet-Cookie: x=1", "/"),
        ("", "/"),
    ],
)
def test_one_comes_back_to_this_page_only(asked: str, goes: str) -> None:
    assert own_path(asked) == goes
