"""The program's own source, parsed once, for rules to look at."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"


@dataclass(frozen=True)
class Module:
    """One module: where it is, what it is called, and its tree."""

    path: Path
    name: str
    tree: ast.Module

    @property
    def package(self) -> str:
        """The part of the product it belongs to: `identity`."""
        parts = self.name.split(".")
        return parts[1] if len(parts) > 1 else ""

    def at(self, node: ast.AST) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 0)}"

    def imports(self) -> Iterator[tuple[ast.AST, str]]:
        """Everything it imports by its full name, wherever the import stands."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield from ((node, f"{node.module}.{alias.name}") for alias in node.names)

    def is_(self, kind: str) -> bool:
        """Whether it is its package's `store`, `api` …: the file of that name, or in the folder of that name."""
        return kind in self.name.split(".")[2:]


Rule = Callable[[Module], Iterator[str]]


def planted(code: str, name: str = "tertulia.planted.service") -> Module:
    """A module that does not exist, to show that a rule can fail."""
    return Module(Path("planted.py"), name, ast.parse(code))


@cache
def modules() -> tuple[Module, ...]:
    found = []
    for path in sorted((SRC / "tertulia").rglob("*.py")):
        parts = path.relative_to(SRC).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found.append(Module(path.relative_to(ROOT), name, ast.parse(path.read_text())))
    return tuple(found)


def breaches(rule: Rule) -> list[str]:
    """Every place in the program that breaks a rule."""
    return [breach for module in modules() for breach in rule(module)]


def keeps(rule: Rule) -> None:
    """Fails with every place that breaks the rule."""
    found = breaches(rule)
    assert not found, "\n" + "\n".join(found)


def dotted(node: ast.AST) -> str:
    """`a.b.c` of a name or attribute; what is called or subscripted on the way is left out."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}".lstrip(".")
    if isinstance(node, ast.Call):
        return f"{dotted(node.func)}()"
    return ""


def under(name: str, *parents: str) -> bool:
    return any(name == parent or name.startswith(f"{parent}.") for parent in parents)
