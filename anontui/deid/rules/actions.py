"""What can be done with an element, and a rule that says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydicom.dataset import Dataset
    from pydicom.tag import BaseTag

ElementFunction = Callable[["Dataset", "BaseTag"], None]
"""A user's own action: changes or deletes the element of that tag in the data set given."""


class Action(StrEnum):
    """What is done with an element; dicom-anonymizer's names where it has them."""

    KEEP = "keep"
    """Kept as it is; into a sequence's items the same rules go."""
    DELETE = "delete"
    DELETE_PRIVATE = "delete_private"
    DELETE_UNKNOWN = "delete_unknown"
    """Neither in the table nor in the data dictionary."""
    EMPTY = "empty"
    REPLACE = "replace"
    """By a constant dummy value."""
    REPLACE_UID = "replace_UID"
    PSEUDONYM = "pseudonym"
    """The patient's new name in a PN, the new id in anything else."""
    CLEAN = "clean"
    """Kept if it is on the white list; else scrubbed or removed, as the policy says."""
    REGEXP = "regexp"
    """Every match of ``find`` is replaced by ``value`` (Python's syntax)."""
    REPLACE_WITH_VALUE = "replace_with_value"
    SHIFT_DATE = "shift_date"
    """By the patient's offset, or by ``number`` days."""
    HASH = "hash"
    """By a keyed hash, at most ``number`` characters or what the VR holds."""
    ROUND_AGE = "round_age"
    """To a multiple of ``number`` (default 5) in the unit it has; over 89 years to 90."""
    LIMIT_AGE = "limit_age"
    """Kept up to 89 years; 90 above."""
    LOOK_UP = "look_up"
    """By what ``table`` has for it; removed if it has nothing."""
    FUNCTION = "function"
    """A function of the user's own."""
    STANDARD = "standard"
    """What the standard and the options say, whatever the user's earlier rules said."""

    # decided by the attribute's type in the IOD, see :func:`anontui.deid.rules.policy.resolve`
    EMPTY_OR_REPLACE = "empty_or_replace"
    DELETE_OR_EMPTY = "delete_or_empty"
    DELETE_OR_REPLACE = "delete_or_replace"
    DELETE_OR_EMPTY_OR_REPLACE = "delete_or_empty_or_replace"
    DELETE_OR_EMPTY_OR_REPLACE_UID = "delete_or_empty_or_replace_UID"


@dataclass(frozen=True, slots=True)
class Rule:
    """An action with what it needs, and who asks for it.

    Parameters
    ----------
    action
        What is done.
    because
        Which rule says so, for people: ``E.1-1 X/Z``, ``option retain-uids``, ``rules.json``.
    told
        Whether a user wrote it for this very attribute. Then it is done to the letter: an
        attribute of type 1 is emptied if that is what it says.
    otherwise
        What :data:`Action.CLEAN` does with a value that may not stay.
    find, value, number, table, function
        What single actions need, see :class:`Action`.
    insert
        Whether :data:`Action.REPLACE_WITH_VALUE` also makes the attribute, at the top level,
        where the source has none.
    """

    action: Action
    because: str
    told: bool = False
    otherwise: Action = Action.DELETE
    find: str = ""
    value: str = ""
    number: int | None = None
    table: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    function: ElementFunction | None = None
    insert: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """A question about the text of an attribute in the same data set.

    ``test`` is ``exists``, ``blank``, ``equals``, ``contains``, ``matches`` (a whole-value
    regular expression) or ``greater`` (as numbers); upper and lower case are the same to
    ``equals`` and ``contains``.
    """

    tag: int
    test: str
    argument: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """One rule where the condition holds, another where it does not."""

    condition: Condition
    then: Rule | Choice
    otherwise: Rule | Choice


AnyRule = Rule | Choice
