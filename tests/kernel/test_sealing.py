"""What is sealed opens with its key, in its place, and nowhere else."""

import threading
from pathlib import Path

import pytest
from pydantic import SecretStr

from tertulia.kernel.errors import StartError
from tertulia.kernel.sealing import KEY_FILE, Seal, Sealed, SecretUnreadableError

pytestmark = pytest.mark.unit

OLD, NEW = "o" * 32, "n" * 44


def seal_of(folder: Path, *keys: str) -> Seal:
    return Seal(folder, SecretStr(", ".join(keys)) if keys else None)


def test_a_secret_comes_back_and_does_not_show(tmp_path: Path) -> None:
    seal = seal_of(tmp_path)
    sealed = seal.seal("Bearer ключ", "bot:1")
    assert seal.open(sealed, "bot:1") == "Bearer ключ"
    assert "Bearer" not in sealed.token
    assert sealed.token not in repr(sealed)
    assert sealed != seal.seal("Bearer ключ", "bot:1")


def test_the_key_lies_in_the_folder_for_its_owner_alone(tmp_path: Path) -> None:
    sealed = seal_of(tmp_path / "data").seal("s", "p")
    key = tmp_path / "data" / KEY_FILE
    assert key.stat().st_mode & 0o777 == 0o600
    assert list((tmp_path / "data").iterdir()) == [key]
    assert seal_of(tmp_path / "data").open(sealed, "p") == "s"


def test_two_processes_that_make_a_key_at_once_agree(tmp_path: Path) -> None:
    seals = [seal_of(tmp_path) for _ in range(8)]
    made: list[Sealed] = []
    threads = [threading.Thread(target=lambda s=s: made.append(s.seal("s", "p"))) for s in seals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [seal.open(sealed, "p") for seal in seals for sealed in made] == ["s"] * 64


def test_a_key_is_changed_by_putting_the_new_one_before_the_old_one(tmp_path: Path) -> None:
    old = seal_of(tmp_path, OLD).seal("s", "p")
    both = seal_of(tmp_path, NEW, OLD)
    assert both.open(old, "p") == "s"
    assert both.knows(old)
    assert not both.is_current(old)
    assert both.is_current(both.seal("s", "p"))
    only = seal_of(tmp_path, NEW)
    assert not only.knows(old)
    with pytest.raises(SecretUnreadableError, match=r"TERTULIA_SECRET_KEY.*Put that key back"):
        only.open(old, "p")
    with pytest.raises(SecretUnreadableError, match=KEY_FILE):
        seal_of(tmp_path).open(old, "p")


def test_what_was_moved_or_changed_does_not_open(tmp_path: Path) -> None:
    seal = seal_of(tmp_path)
    sealed = seal.seal("s", "bot:1")
    version, name, text = sealed.token.split(".")
    changed = Sealed(f"{version}.{name}.{'A' if text[0] != 'A' else 'B'}{text[1:]}")
    cut = Sealed(f"{version}.{name}.{text[:8]}")
    for token, place in ((sealed, "bot:2"), (changed, "bot:1"), (cut, "bot:1")):
        with pytest.raises(SecretUnreadableError, match="Give its value again"):
            seal.open(token, place)
    with pytest.raises(SecretUnreadableError, match="another key"):
        seal.open(Sealed("nonsense"), "bot:1")


def test_a_short_key_is_refused_at_the_start_and_an_empty_file_when_it_is_needed(
    tmp_path: Path,
) -> None:
    with pytest.raises(StartError, match="openssl"):
        seal_of(tmp_path, NEW, "short")
    (tmp_path / KEY_FILE).write_text("\n")
    with pytest.raises(SecretUnreadableError, match="holds no key"):
        seal_of(tmp_path).seal("s", "p")
