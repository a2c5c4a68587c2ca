"""Secrets that are needed again in plain: sealed with a key that does not lie in the database beside them."""

import base64
import hashlib
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from pathlib import Path

from pydantic import SecretStr

from tertulia.kernel.errors import StartError, TertuliaError

KEY_FILE = "secret.key"
SHORTEST_KEY = 32
_NONCE_BYTES = 12


class SecretUnreadableError(TertuliaError):
    """A stored secret was sealed with a key that this server does not have, or was changed since."""

    status = HTTPStatus.CONFLICT
    code = "secret_unreadable"
    title = "A stored secret cannot be read"


@dataclass(frozen=True, slots=True)
class Sealed:
    """A secret as it is kept: of use only with the key and in the place it was sealed for."""

    token: str = field(repr=False)


class Seal:
    """Seals with the first key and opens with any of them; without a key in the settings one is made in the data folder."""

    def __init__(self, folder: Path, given: SecretStr | None = None) -> None:
        self._folder = folder
        self._given = [k.strip() for k in given.get_secret_value().split(",")] if given else []
        for key in self._given:
            if len(key) < SHORTEST_KEY:
                raise StartError(
                    f"A key in TERTULIA_SECRET_KEY is shorter than {SHORTEST_KEY} characters. "
                    "Take the output of `openssl rand -base64 32`."
                )

    def seal(self, secret: str, place: str) -> Sealed:
        """Seals for one place, so that whoever can write to the database cannot move it to another."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        name, key = next(iter(self._keys.items()))
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + AESGCM(key).encrypt(nonce, secret.encode(), place.encode())
        return Sealed(f"1.{name}.{base64.urlsafe_b64encode(sealed).decode()}")

    def open(self, sealed: Sealed, place: str) -> str:
        """The secret; raises when it is another server's, or another place's."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        _, _, text = sealed.token.rpartition(".")
        try:
            data = base64.urlsafe_b64decode(text)
            key = self._keys[self._name(sealed)]
            return (
                AESGCM(key)
                .decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], place.encode())
                .decode()
            )
        except KeyError:
            raise SecretUnreadableError(self.missing()) from None
        except (ValueError, InvalidTag):
            raise SecretUnreadableError(
                "It was changed in the database, or moved from another place. Give its value again."
            ) from None

    def knows(self, sealed: Sealed) -> bool:
        """Whether the key it was sealed with is here."""
        return self._name(sealed) in self._keys

    def is_current(self, sealed: Sealed) -> bool:
        """Whether it was sealed with the key that is used now."""
        return self._name(sealed) == next(iter(self._keys))

    def missing(self) -> str:
        """What to do where the key is not here."""
        where = "TERTULIA_SECRET_KEY" if self._given else str(self._folder / KEY_FILE)
        return (
            f"It was sealed with another key than the one in {where}. Put that key back (in TERTULIA_SECRET_KEY "
            "several may stand, the newest first), or give the value again."
        )

    @staticmethod
    def _name(sealed: Sealed) -> str:
        return sealed.token.split(".")[1] if sealed.token.count(".") == 2 else ""

    @cached_property
    def _keys(self) -> dict[str, bytes]:
        """By names that tell nothing of them; read when they are first needed."""
        return {_named(key): _strong(key) for key in self._given or [_kept(self._folder)]}


def sealed_values(values: Sequence[object]) -> list[Sealed]:
    """Those that are sealed."""
    return [value for value in values if isinstance(value, Sealed)]


def _strong(key: str) -> bytes:
    return hashlib.sha256(b"tertulia: seal\0" + key.encode()).digest()


def _named(key: str) -> str:
    return hashlib.sha256(b"tertulia: name\0" + key.encode()).hexdigest()[:12]


def _kept(folder: Path) -> str:
    """The key of the data folder; two processes that make one at once agree on the first."""
    path = folder / KEY_FILE
    try:
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            new = folder / f"{KEY_FILE}.{secrets.token_hex(4)}"
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(base64.b64encode(secrets.token_bytes(32)).decode() + "\n")
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(new, path)
            except FileExistsError:
                pass
            finally:
                new.unlink()
        key = path.read_text().strip()
    except OSError as error:
        raise SecretUnreadableError(
            f"The key in {path} cannot be read or made ({error.strerror}). Check its owner and its rights."
        ) from None
    if len(key) < SHORTEST_KEY:
        raise SecretUnreadableError(f"{path} holds no key. Put the one back that was there.")
    return key
