"""Mappings made in a line, for the tests."""

from __future__ import annotations

from anontui.project.mapping import Mapping

HEAD = "## Description ##\nA study\n\n## Options ##\nproject,Knees\n\n## Mapping ##\n"
COLUMNS = "source,pseudo_id,pseudo_name,description\n"


def mapping_of(table: str, head: str = HEAD) -> Mapping:
    """A mapping with this table; says so if it would not be written as it was read."""
    data = (head + table).encode()
    mapping = Mapping.loads(data)
    assert mapping.dumps() == data
    return mapping
