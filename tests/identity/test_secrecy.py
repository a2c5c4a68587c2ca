"""Passwords, tokens and keys stay out of logs and exceptions."""

import logging
import traceback

import httpx
import pytest
from tests.fixtures.identity import PASSWORD, Key, Person

from tertulia.identity.access import COOKIE
from tertulia.identity.authenticator import Authenticator, Shown
from tertulia.identity.domain import Device, SessionKind
from tertulia.identity.service import IdentityService
from tertulia.kernel.database import Database
from tertulia.kernel.errors import TertuliaError
from tertulia.kernel.ids import new_secret

pytestmark = pytest.mark.db

SECRET_PASSWORD = "never to be read in a log"


async def test_nothing_said_in_confidence_is_logged(
    api: httpx.AsyncClient,
    owner: Person,
    key: Key,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("sqlalchemy.engine").setLevel(logging.INFO)
    change = {"current": PASSWORD, "new": SECRET_PASSWORD}
    try:
        answers = [
            await api.post("/api/me/password", json=change, headers=owner.page),
            await api.post(
                "/api/auth/sign-in",
                json={"email": "owner@example.org", "password": SECRET_PASSWORD},
            ),
            await api.post(
                "/api/auth/token", json={"email": "owner@example.org", "password": SECRET_PASSWORD}
            ),
            await api.post(
                "/api/keys", json={"name": "K", "scopes": ["status"]}, headers=key.headers
            ),
            await api.get("/api/me", headers=key.headers),
        ]
    finally:
        logging.getLogger("sqlalchemy.engine").setLevel(logging.NOTSET)
    assert [a.status_code for a in answers] == [204, 200, 200, 201, 200]
    said = caplog.text + "".join(capsys.readouterr())
    assert "INSERT INTO user_sessions" in said
    token, made = answers[2].json()["token"], answers[3].json()["key"]
    fresh_cookie = answers[1].cookies[COOKIE]
    for secret in (SECRET_PASSWORD, PASSWORD, owner.cookie, fresh_cookie, token, made, key.secret):
        assert secret not in said


async def test_nor_does_an_exception_carry_it(
    database: Database, identity: IdentityService, authenticator: Authenticator, owner: Person
) -> None:
    database.conninfo = "host=/nowhere dbname=none"
    await database.engine.dispose()
    told = []
    secret = new_secret("tk")
    for attempt in ("sign in", "authenticate"):
        with pytest.raises(TertuliaError) as failed:
            if attempt == "authenticate":
                await authenticator.authenticate(Shown(secret))
            else:
                async with database.transaction() as tx:
                    await identity.sessions.sign_in(
                        tx, "owner@example.org", SECRET_PASSWORD, SessionKind.COOKIE, Device()
                    )
        told.append("".join(traceback.format_exception(failed.value)))
    for text in told:
        assert SECRET_PASSWORD not in text
        assert secret not in text
    assert secret not in repr(Shown(secret))


async def test_validation_does_not_repeat_what_was_sent(api: httpx.AsyncClient) -> None:
    too_long = SECRET_PASSWORD * 100
    for body in (
        {"email": "a@example.org", "password": too_long},
        {"email": "a@example.org", "password": [SECRET_PASSWORD]},
        {"email": "a@example.org", "pasword": SECRET_PASSWORD},
    ):
        answer = await api.post("/api/auth/sign-in", json=body)
        assert answer.status_code == 422
        assert SECRET_PASSWORD not in answer.text
