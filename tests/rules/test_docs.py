"""Law 8: what is public is in the docs, and the docs are what the code is."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from tests.rules.source import ROOT

from tertulia.kernel.settings import Settings

pytestmark = pytest.mark.unit

DOCS = ROOT / "docs"
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
FETCHED = re.compile(
    r"<(?:script|img|iframe|source|audio|video)\b[^>]*\bsrc=\"(?:https?:)?//|url\((?:https?:)?//"
)
STYLESHEET = re.compile(
    r"<link\b[^>]*\brel=\"(?:stylesheet|preconnect|icon)\"[^>]*href=\"(?:https?:)?//"
)


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_are_what_the_code_is(generate: ModuleType) -> None:
    stale = [
        str(p.relative_to(ROOT)) for p, text in generate.pages().items() if p.read_text() != text
    ]
    assert not stale, f"{stale} are stale. Run `python docs/generate.py` and commit them."


def test_everything_public_has_its_page(generate: ModuleType) -> None:
    written = {
        name
        for page in DOCS.rglob("*.md")
        for _, name, _ in generate.MARKED.findall(page.read_text())
    }
    assert written == set(generate.PARTS)


def test_every_setting_is_in_the_docs(generate: ModuleType) -> None:
    page = (DOCS / "settings.md").read_text()
    silent = [n for n, f in Settings.model_fields.items() if not f.description]
    missing = [
        n
        for n, f in Settings.model_fields.items()
        if f"| `{generate.variable(n, f)}` |" not in page
    ]
    assert not silent, f"{silent} have no description: give the field one."
    assert not missing, f"{missing} are not in docs/settings.md. Run `python docs/generate.py`."


def test_every_error_code_is_in_the_docs(generate: ModuleType) -> None:
    page = (DOCS / "errors.md").read_text()
    missing = [code for code in generate.error_codes() if f"| `{code}` |" not in page]
    assert not missing, f"{missing} are not in docs/errors.md. Run `python docs/generate.py`."


def test_every_error_says_what_it_is(generate: ModuleType) -> None:
    silent = [
        f"{kind.__module__}.{kind.__name__}"
        for kinds in generate.error_codes().values()
        for kind in kinds
        if not (kind.__doc__ or "").strip()
    ]
    assert not silent, f"{silent} have no docstring: it becomes their line in docs/errors.md."


def test_every_endpoint_is_in_the_docs() -> None:
    from tertulia.server.openapi import document

    page = (DOCS / "api.md").read_text()
    said = {
        (method.upper(), path): operation.get("summary", "")
        for path, operations in document()["paths"].items()
        for method, operation in operations.items()
    }
    missing = [f"{m} {p}" for m, p in said if f"| `{m}` | `{p}` |" not in page]
    assert said
    assert not missing, f"{missing} are not in docs/api.md. Run `python docs/generate.py`."
    silent = [f"{m} {p}" for (m, p), summary in said.items() if not summary]
    assert not silent, f"{silent} have no summary."


def test_every_command_is_in_the_docs(generate: ModuleType) -> None:
    import typer.main

    from tertulia.cli.main import app

    page = (DOCS / "cli.md").read_text()
    found = dict(generate.command_list(typer.main.get_command(app)))
    missing = [path for path in found if f"### `{path}`" not in page]
    assert "tertulia serve" in found
    assert not missing, f"{missing} are not in docs/cli.md. Run `python docs/generate.py`."
    silent = [path for path, command in found.items() if not command.help]
    assert not silent, f"{silent} do not say what they do: give the function a docstring."


def test_a_line_that_is_missing_is_found_and_written_again(
    generate: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    names = ["api.md", "cli.md", "errors.md", "settings.md"]
    copy = tmp_path / "docs"
    shutil.copytree(DOCS, copy)
    monkeypatch.setattr(generate, "FOLDER", copy)
    generate.main([])
    whole = {name: (copy / name).read_text() for name in names}
    for name in names:
        before, generated = (copy / name).read_text().split("<!-- generated:", 1)
        row = next(line for line in generated.splitlines() if line.startswith("| `"))
        (copy / name).write_text(f"{before}<!-- generated:{generated.replace(row, '', 1)}")
    assert generate.main(["--check"]) == 1
    told = capsys.readouterr().err
    assert all(f"{name} is stale" in told for name in names)
    generate.main([])
    assert {name: (copy / name).read_text() for name in names} == whole


def test_the_site_builds_and_fetches_nothing(tmp_path: Path) -> None:
    built = subprocess.run(
        [
            sys.executable,
            "-m",
            "mkdocs",
            "build",
            "--strict",
            "--quiet",
            "--site-dir",
            str(tmp_path),
        ],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    for page in tmp_path.rglob("*.html"):
        text = page.read_text()
        found = FETCHED.search(text) or STYLESHEET.search(text)
        assert not found, f"{page.name} fetches from elsewhere: {found and found[0]}"


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_out_of_the_first_pages_lead_somewhere(name: str) -> None:
    links = [link for link in LINK.findall((ROOT / name).read_text()) if "://" not in link]
    dead = [link for link in links if not (ROOT / link).exists()]
    assert not dead, f"{name} links to {dead}, which do not exist."


def test_every_decision_is_in_the_list() -> None:
    listed = set(LINK.findall((DOCS / "decisions" / "README.md").read_text()))
    written = {page.name for page in (DOCS / "decisions").glob("0*.md")}
    assert listed == written
    for name in written:
        page = (DOCS / "decisions" / name).read_text()
        parts = re.findall(r"^## (\w+)", page, re.MULTILINE)
        assert parts == ["Context", "Decision", "Consequences"], name
