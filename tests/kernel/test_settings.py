"""Settings: where they come from, and how a wrong one is explained."""

from pathlib import Path

import pytest

from tertulia.kernel.errors import StartError
from tertulia.kernel.settings import Settings, load_settings

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder and an environment without anybody's settings."""
    import os

    for name in list(os.environ):
        if name.startswith(("TERTULIA_", "PG_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_the_environment_wins_over_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "tertulia.toml").write_text('port = 1111\nstt = ["whisper", "pocketsphinx"]\n')
    monkeypatch.setenv("TERTULIA_PORT", "2222")
    settings = load_settings()
    assert settings.port == 2222
    assert settings.stt == ("whisper", "pocketsphinx")


def test_dotenv_is_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TERTULIA_STT=gladia, whisper\n")
    assert load_settings().stt == ("gladia", "whisper")


def test_the_five_variables_of_the_source_give_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "PG_HOST": "db",
        "PG_PORT": "6432",
        "PG_DATABASE": "audio",
        "PG_USER": "ana",
        "PG_PASSWORD": "it's secret",
    }.items():
        monkeypatch.setenv(name, value)
    url = load_settings().given_database_url
    assert url is not None
    assert "host=db" in url
    assert "port=6432" in url
    assert "dbname=audio" in url
    assert r"password='it\'s secret'" in url


def test_no_database_given_means_the_embedded_one() -> None:
    assert load_settings().given_database_url is None


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERTULIA_GLADIA_KEY", "do-not-print")
    assert "do-not-print" not in repr(load_settings())


@pytest.mark.parametrize(
    ("name", "value", "fix"),
    [
        ("TERTULIA_PROT", "1", "Did you mean TERTULIA_PORT?"),
        ("TERTULIA_NOTHING_LIKE_IT_AT_ALL", "1", "docs/settings.md"),
        ("TERTULIA_PORT", "many", "TERTULIA_PORT is wrong"),
        ("TERTULIA_PORT", "70000", "less than or equal to 65535"),
        ("TERTULIA_DEVICE", "toaster", "'auto', 'cpu' or 'cuda'"),
        ("PG_PORT", "x", "PG_PORT is wrong"),
    ],
)
def test_a_wrong_variable_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, fix: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(StartError) as caught:
        load_settings()
    assert fix in caught.value.detail


@pytest.mark.parametrize(
    ("file", "content", "fix"),
    [
        ("tertulia.toml", "prt = 1", "Did you mean port?"),
        ("tertulia.toml", "port = ", "tertulia.toml cannot be read"),
        (".env", "TERTULIA_PROT=1", "TERTULIA_PORT"),
    ],
)
def test_a_wrong_file_stops_the_start(tmp_path: Path, file: str, content: str, fix: str) -> None:
    (tmp_path / file).write_text(content)
    with pytest.raises(StartError) as caught:
        load_settings()
    assert fix in caught.value.detail


def test_every_setting_says_what_it_is_for() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
