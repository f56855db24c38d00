"""The mapping: one row a job, with a description and options above the rows.

A mapping is kept as the text it was read from, cut into sections and records; cells
are read from that text when they are asked for. So an untouched file is written back
byte for byte, and an edit changes the one field that it is about.
"""

from __future__ import annotations

import locale
import re
from collections.abc import Iterable, Iterator, Mapping as Dict, Sequence
from pathlib import Path
from typing import Literal, overload

from anontui.errors import ProjectError
from anontui.project import files, table
from anontui.project.dialect import (
    DELIMITERS,
    Encoding,
    decode,
    line_end_of,
    lines_of,
    quote,
    read_fields,
    split_fields,
    unquote,
)

FILENAME = "anon_mapping.csv"
COLUMNS = ("source", "pseudo_id", "pseudo_name", "description")
OPTIONS = ("root_source_path", "project", "destination_path", "pims_key")
COLUMN_ALIASES = {"patient_id": "pseudo_id", "patient_name": "pseudo_name"}
"""Old names of columns, and what they are called now."""

Section = Literal["opening", "description", "options line", "options", "mapping line", "header"]
