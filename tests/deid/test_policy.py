from __future__ import annotations

import pickle
import subprocess
import sys

import pytest

from anontui.deid import Action, Policy, Rule
from anontui.deid.rules import tables
from anontui.deid.rules.policy import resolve
from anontui.deid.values.dummies import dummy_value

POLICY = Policy.basic()


def action_of(tag: int, policy: Policy = POLICY) -> Action:
    rule = policy.rule(tag, {})
    assert isinstance(rule, Rule)
    return rule.action


def resolved(action: Action, kind: str) -> Action:
    rule = resolve(Rule(action, "the table"), kind)
    assert isinstance(rule, Rule)
    return rule.action


@pytest.mark.parametrize(
    ("tag", "action"),
    [
        (0x00091001, Action.DELETE_PRIVATE),
        (0x00010010, Action.DELETE_PRIVATE),
        (0xFFFF0010, Action.DELETE_PRIVATE),
        (0x00080000, Action.DELETE),  # group length
        (0x00020010, Action.DELETE),
        (0x50100022, Action.DELETE),
        (0x60020022, Action.DELETE),
        (0x60FE0010, Action.DELETE),
        (0xFFFCFFFC, Action.DELETE),
        (0x00081F1F, Action.DELETE_UNKNOWN),
        (0x20FF0010, Action.DELETE_PRIVATE),
        (0x0F0E0010, Action.DELETE_UNKNOWN),
        (0x00100010, Action.PSEUDONYM),
        (0x00100020, Action.PSEUDONYM),
        (0x00280010, Action.KEEP),
        (0x7FE00010, Action.KEEP),
        (0x0008010E, Action.KEEP),  # Coding Scheme URL
        (0x00081190, Action.DELETE),  # Retrieve URL
        (0x00401007, Action.DELETE),  # a retired order number
        (0x002031AB, Action.KEEP),  # a retired code string of a repeating group
        (0x00200242, Action.REPLACE_UID),
    ],
)
def test_what_the_table_does_not_say(tag: int, action: Action) -> None:
    assert action_of(tag) is action


@pytest.mark.parametrize(("kind", "action"), [
    ("1", Action.REPLACE), ("1C", Action.REPLACE), ("2", Action.EMPTY), ("2C", Action.EMPTY),
    ("3", Action.DELETE), ("?", Action.REPLACE),
])  # fmt: skip
def test_compound_code_by_type(kind: str, action: Action) -> None:
    assert resolved(Action.DELETE_OR_EMPTY_OR_REPLACE, kind) is action


def test_empty_where_a_value_is_required_becomes_a_dummy() -> None:
    assert [resolved(Action.EMPTY, kind) for kind in "123?"] == [
        Action.REPLACE,
        Action.EMPTY,
        Action.EMPTY,
        Action.EMPTY,
    ]


def test_no_telling_attribute_is_kept() -> None:
    """Over the whole dictionary: names and moments never stay, whether the table knows them."""
    from pydicom._dicom_dict import DicomDictionary

    kept = [
        f"{tag:08X}"
        for tag, (vr, *_) in DicomDictionary.items()
        if vr in ("PN", "DA", "TM", "DT", "AS") and action_of(tag) is Action.KEEP
    ]
    assert not kept


def test_every_replaced_attribute_has_a_dummy() -> None:
    """Also those that a type 1 turns from empty into a dummy."""
    missing = []
    for tag, rule in POLICY.rules.items():
        for kind in "123?":
            known = tables.attribute(tag)
            if resolved(rule.action, kind) is not Action.REPLACE or known is None:
                continue
            if known.vr == "UI":
                continue
            if known.vr != "SQ":
                assert len(dummy_value(tag, known.vr)) % 2 == 0
            elif tables.dummy_item(tag) is None and _has_type(tag, kind):
                missing.append(f"{tag:08X} {rule.because} {kind}")
    assert not missing


def _has_type(tag: int, kind: str) -> bool:
    raw = tables._types()
    containers = [*raw["top"].values(), *raw["nested"].values()]
    return "D" in POLICY.rules[tag].because.split(" ")[-1] or any(
        types.get(f"{tag:08X}", "").startswith(kind) for types in containers
    )


def test_edition_is_recorded() -> None:
    assert POLICY.edition == "2024e, new rows of 2026c"


def test_policy_travels_to_a_worker() -> None:
    copy = pickle.loads(pickle.dumps(POLICY))
    assert copy.rules == POLICY.rules
    assert action_of(0x00080050, copy) is Action.EMPTY


def test_importing_is_cheap() -> None:
    code = "import sys, anontui.deid; print('pydicom' in sys.modules, 'json' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split()[0] == "False"
