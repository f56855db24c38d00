"""DICOM JSON (PS3.18 F) to the answers of a query; what archives write is not believed."""

from __future__ import annotations

from collections.abc import Mapping

from anontui.pacs.files import is_uid
from anontui.pacs.query import Answer, Instance, Level, Query, Series, Study

FIELDS = {
    Level.STUDY: (
        "00080061",  # modalities in study
        "00081030",  # study description
        "00100030",  # birth date
        "00100040",  # sex
        "00201206",  # number of series
        "00201208",  # number of instances
    ),
    Level.SERIES: ("0008103E", "00201209"),
    Level.IMAGE: (),
}
"""What is asked for beside what every archive answers (PS3.18 10.6.3)."""

_MOST_TEXT = 1024


class Item:
    """One data set of an answer.

    Raises
    ------
    ValueError
        If it is none, or a UID that is needed is none.
    """

    def __init__(self, value: object) -> None:
        if not isinstance(value, dict):
            raise ValueError("an answer is no data set")
        self._elements: Mapping[str, object] = value

    def values(self, tag: str) -> list[object]:
        """Return the values of an element, none if it is not there."""
        element = self._elements.get(tag)
        values = element.get("Value") if isinstance(element, dict) else None
        return values if isinstance(values, list) else []

    def texts(self, tag: str) -> tuple[str, ...]:
        """Return its values as texts on one line; a name's groups are joined with ``=``."""
        texts = []
        for value in self.values(tag):
            if isinstance(value, dict):
                groups = [value.get(name) for name in ("Alphabetic", "Ideographic", "Phonetic")]
                value = "=".join(str(group or "") for group in groups).rstrip("=")
            if isinstance(value, str | int | float):
                text = "".join(c for c in str(value)[:_MOST_TEXT] if c.isprintable())
                texts.append(text.strip())
        return tuple(texts)

    def text(self, tag: str) -> str:
        """Return its first value as text, empty if there is none."""
        return next(iter(self.texts(tag)), "")

    def number(self, tag: str) -> int | None:
        """Return its first value as a number that is not negative."""
        text = self.text(tag)
        return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None

    def uid(self, tag: str) -> str:
        """Return its first value, which must be a UID."""
        text = self.text(tag).rstrip("\0")
        if not is_uid(text):
            raise ValueError("a UID in it is none")
        return text


def answer_of(query: Query, value: object) -> Answer:
    """Read one data set of an answer.

    Raises
    ------
    ValueError
        If it is none, or has no UID where it must have one.
    """
    item = Item(value)
    if query.level is Level.STUDY:
        return Study(
            item.uid("0020000D"),
            patient_id=item.text("00100020"),
            patient_name=item.text("00100010"),
            birth_date=item.text("00100030"),
            sex=item.text("00100040"),
            date=item.text("00080020"),
            time=item.text("00080030"),
            accession=item.text("00080050"),
            description=item.text("00081030"),
            modalities=item.texts("00080061"),
            series=item.number("00201206"),
            instances=item.number("00201208"),
        )
    if query.level is Level.SERIES:
        return Series(
            query.study,
            item.uid("0020000E"),
            modality=item.text("00080060"),
            number=item.number("00200011"),
            description=item.text("0008103E"),
            instances=item.number("00201209"),
        )
    return Instance(
        query.study,
        query.series or item.uid("0020000E"),
        item.uid("00080018"),
        sop_class=item.text("00080016"),
    )
