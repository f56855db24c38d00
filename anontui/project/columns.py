"""The names that a mapping knows: its columns, its options, and their old names."""

from __future__ import annotations

COLUMNS = ("source", "pseudo_id", "pseudo_name", "description")
"""The columns of a new mapping."""

OPTIONS = ("root_source_path", "project", "destination_path", "pims_key")
"""What is usually the same for all rows; as a column it overrules the option."""

COLUMN_ALIASES = {"patient_id": "pseudo_id", "patient_name": "pseudo_name"}
"""Old names that files still have, and what they are called now."""

KNOWN = frozenset((*COLUMNS, *OPTIONS))


def canonical(name: str) -> str:
    """Return the name as it is called now: no spaces around it, lower case, no old name."""
    name = name.strip().lower()
    return COLUMN_ALIASES.get(name, name)
