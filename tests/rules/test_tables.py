"""The migrated database and the tables the program thinks it has are the same."""

import importlib
import pkgutil

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

import tertulia
from tertulia.kernel.database import Base

pytestmark = pytest.mark.db


def import_stores() -> None:
    for module in pkgutil.walk_packages(tertulia.__path__, "tertulia."):
        if "store" in module.name.split(".")[2:]:
            importlib.import_module(module.name)


def differences(conninfo: str) -> list[str]:
    """What a migration would have to change; tables that are not ours (the queue's) are left out."""
    ours = set(Base.metadata.tables)
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(conninfo))
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "include_object": lambda thing, name, kind, reflected, other: (
                    (name if kind == "table" else thing.table.name) in ours
                ),
            },
        )
        found = compare_metadata(context, Base.metadata)
    engine.dispose()
    return [str(change) for change in found]


def test_the_migrations_make_the_tables_of_the_program(conninfo: str) -> None:
    import_stores()
    assert Base.metadata.tables
    changes = differences(conninfo)
    assert not changes, "\n".join(["Write a migration for:", *changes])


def test_a_difference_is_found(conninfo: str) -> None:
    import_stores()
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("alter table blob drop column sha256")
    assert any("sha256" in change for change in differences(conninfo))


def test_all_relations_are_read_on_purpose() -> None:
    """A relation that loads itself blocks the event loop in the middle of something else."""
    import_stores()
    lazy = [
        f"{mapper.class_.__name__}.{relation.key}"
        for mapper in Base.registry.mappers
        for relation in mapper.relationships
        if relation.lazy not in ("raise", "raise_on_sql")
    ]
    assert not lazy, f'{lazy}: give the relationship lazy="raise".'
