"""Pixel rules: what is read, what is refused and where, and which rule decides."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from anontui.deid.engine.facts import Facts
from anontui.deid.readers.pixelrules import LARGEST
from anontui.deid.rules import pixelrules
from anontui.deid.rules.pixelrules import Box, PixelRule, PixelRules
from anontui.errors import DeidError

MANUFACTURER, MODEL, MODALITY, IMAGE_TYPE, STATION = (
    0x00080070, 0x00081090, 0x00080060, 0x00080008, 0x00081010,
)  # fmt: skip

YAML = """\
- name: ACME Echo, 800 x 600
  match:
    Manufacturer: acme.*
    (0008,1090): Echo [0-9]+
  rows: 600
  columns: 800
  top: 40
  boxes:
    - [700, 40, 900, 60]
- match: {StationName: 'CT-[0-9]+'}   # burns nothing in
  boxes: []
"""


def rules_of(text: str, folder: Path, name: str = "rules.yaml") -> tuple[PixelRule, ...]:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return PixelRules.read([path]).rules


def problem(text: str, folder: Path, name: str = "rules.yaml") -> str:
    with pytest.raises(DeidError) as error:
        rules_of(text, folder, name)
    assert error.value.advice
    return error.value.message


def fits(rule: PixelRule, rows: int = 600, columns: int = 800, **texts: str) -> bool:
    tags = {"manufacturer": MANUFACTURER, "model": MODEL, "modality": MODALITY,
            "image_type": IMAGE_TYPE, "station": STATION}  # fmt: skip
    facts = Facts({tags[name]: text.encode() for name, text in texts.items()})
    return PixelRules((rule,)).fitting(facts.text, rows, columns) is rule


def test_yaml(tmp_path: Path) -> None:
    first, second = rules_of(YAML, tmp_path)
    assert first == PixelRule(
        "ACME Echo, 800 x 600",
        {MANUFACTURER: "acme.*", MODEL: "Echo [0-9]+"},
        600,
        800,
        (Box(0, 0, LARGEST, 40), Box(700, 40, 900, 60)),
    )
    assert second == PixelRule("", {STATION: "CT-[0-9]+"}, None, None, ())


def test_the_example_of_the_documentation(tmp_path: Path) -> None:
    example = (pixelrules.__doc__ or "").split("::\n\n")[1].split("\n\nor as")[0]
    rules = rules_of(textwrap.dedent(example), tmp_path)
    assert [(rule.rows, len(rule.match), len(rule.boxes)) for rule in rules] == [
        (600, 2, 2),
        (None, 1, 0),
    ]


def test_a_rule_fits_whole_values_of_all_its_attributes(tmp_path: Path) -> None:
    rule, _ = rules_of(YAML, tmp_path)
    assert fits(rule, manufacturer="ACME Ltd ", model="ECHO 12")
    assert not fits(rule, manufacturer="ACME Ltd", model="Echo 12b")
    assert not fits(rule, manufacturer="The ACME Ltd", model="Echo 12")
    assert not fits(rule, manufacturer="ACME Ltd")
    assert not fits(rule, rows=601, manufacturer="ACME Ltd", model="Echo 12")
    assert not fits(rule, columns=801, manufacturer="ACME Ltd", model="Echo 12")
    assert not fits(rule, manufacturer="ACME" + "x" * 300, model="Echo 12")


def test_the_first_rule_that_fits_decides_over_all_files(tmp_path: Path) -> None:
    paths = [tmp_path / "a.yaml", tmp_path / "b.yml"]
    paths[0].write_text("- {name: one, match: {Modality: US}, rows: 9, top: 1}")
    paths[1].write_text(
        "- {name: two, match: {Modality: U.}, top: 2}\n- {match: {Modality: US}, top: 3}"
    )
    rules = PixelRules.read(paths)
    assert rules

    def name(rows: int, modality: str = "US") -> str | None:
        rule = rules.fitting({MODALITY: modality}.get, rows, 9)  # type: ignore[arg-type]
        return rule.name if rule else None

    assert (name(9), name(8), name(9, "CT")) == ("one", "two", None)
    assert not PixelRules()


RULE = "- match: {Modality: US}\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "line 1: a list of rules is expected"),
        ("[]", "line 1: there are no rules"),
        ("\n- ]", "line 2: this is not YAML"),
        ("rules: []", "line 1: a list of rules is expected"),
        ("- one", "line 1: 'name: value' is expected"),
        (f"{RULE}  top: 4\n  colums: 9", "line 3: colums is not known"),
        (f"{RULE}  top: 4\n  top: 5", "line 3: a name is given twice"),
        (f"{RULE}  rows: 9", "line 1: the rule has no boxes"),
        (f"{RULE}  boxes:", "line 2: a list of boxes is expected"),
        (f"{RULE}  boxes: [1, 2, 3, 4]", "line 2: [left, top, right, bottom] is expected"),
        (f"{RULE}  boxes:\n  - [1, 2, 3]", "line 3: [left, top, right, bottom] is expected"),
        (f"{RULE}  boxes:\n  - [0, 0, 1, x]", "line 3: x is not a number from 0 to 65535"),
        (f"{RULE}  boxes:\n  - [0, 0, 1, -1]", "line 3: -1 is not a number from 0 to 65535"),
        (f"{RULE}  boxes:\n  - [0, 0, 1, 65536]", "65536 is not a number from 0 to 65535"),
        (f"{RULE}  boxes:\n  - [5, 0, 5, 9]", "line 3: the box from column 5, row 0 to 5, 9"),
        (f"{RULE}  rows: 9\n  boxes:\n  - [0, 9, 5, 12]", "line 4: the box from column 0, row 9"),
        (f"{RULE}  columns: 9\n  boxes:\n  - [9, 0, 12, 5]", "line 4: the box from column 9"),
        (f"{RULE}  top: 0", "line 2: the box from column 0, row 0 to 65535, 0 holds no pixel"),
        (f"{RULE}  top: &x 4\n  rows: *x", "line 3: an alias (*) is not allowed"),
        ("- top: 4", "line 1: the rule would fit any image"),
        ("- match: {}\n  top: 4", "line 1: the rule would fit any image"),
        ("- match:\n    Modalty: US\n  top: 4", "line 2: Modalty cannot be matched"),
        ("- match:\n    Rows: '9'\n  top: 4", "line 2: Rows cannot be matched"),
        ("- match:\n    TransferSyntaxUID: '1'\n  top: 4", "TransferSyntaxUID cannot be matched"),
        ("- match:\n    (0009,0010): GE\n  top: 4", "line 2: (0009,0010) cannot be matched"),
        ("- match:\n    Modality: '('\n  top: 4", "line 2: ( is not a regular expression"),
        ("- match:\n    Modality: (a+)+\n  top: 4", "line 2: the regular expression could take"),
        (
            "- match:\n    Modality: US\n    (0008,0060): US\n  top: 4",
            "line 3: (0008,0060) is given",
        ),
    ],
)
def test_what_is_wrong_is_refused_with_its_line(text: str, told: str, tmp_path: Path) -> None:
    message = problem(text, tmp_path)
    assert message.startswith("rules.yaml")
    assert told in message


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.yaml"):
        with pytest.raises(DeidError):
            PixelRules.read([path])
    (tmp_path / "latin.yaml").write_bytes(b"- \xe9")
    with pytest.raises(DeidError, match=r"latin\.yaml line 1"):
        PixelRules.read([tmp_path / "latin.yaml"])


# --- CTP --------------------------------------------------------------------------------------

SCRIPT = """\
Regions (known ones) of our devices

ACME ECHO
 { Modality.equals("US") *
   [0008,0070].containsIgnoreCase("acme") * !ImageType.contains("DERIVED") *
   Rows.equals("600") }
 (0,0,800,40) (700, 40, 200, 20)

OTHER (two models)
 { Manufacturer.startsWith("Other") * ( ManufacturerModelName.equals("A") +
   ManufacturerModelName.endsWithIgnoreCase("b") ) }
 (0,0,10,20)
"""


def test_a_script_of_ctp(tmp_path: Path) -> None:
    echo, *others = rules_of(SCRIPT, tmp_path, "p.script")
    assert echo.boxes == (Box(0, 0, 800, 40), Box(700, 40, 900, 60))
    assert (echo.rows, echo.columns) == (600, None)
    us: dict[str, Any] = {
        "modality": "US",
        "manufacturer": "THE ACME CO",
        "image_type": "ORIGINAL\\PRIMARY",
    }
    assert fits(echo, **us)
    assert not fits(echo, rows=601, **us)
    assert not fits(echo, **us | {"modality": "us"})  # equals minds the case
    assert not fits(echo, **us | {"image_type": "DERIVED\\PRIMARY"})
    assert fits(echo, **us | {"image_type": ""})
    assert [rule.boxes for rule in others] == [(Box(0, 0, 10, 20),)] * 2
    for model, expected in (("A", True), ("a", False), ("cB", True), ("bc", False)):
        assert expected == any(fits(r, manufacturer="Other x", model=model) for r in others)
    assert not any(fits(rule, manufacturer="other", model="A") for rule in others)


# Every expression over three devices, against what Python says of it.
EXPRESSIONS: dict[str, Callable[[str, str], bool]] = {
    'Manufacturer.equals("A") + Manufacturer.equals("B") * Modality.equals("US")': (
        lambda a, m: a == "A" or (a == "B" and m == "US")
    ),
    '!(Manufacturer.equals("A") + Modality.equals("US"))': (
        lambda a, m: not (a == "A" or m == "US")
    ),
    '!(Manufacturer.equals("A") & !Modality.equals("US")) * Modality.matches("[A-Z]+")': (
        lambda a, m: (a != "A" or m == "US") and m.isalpha()
    ),
    '!!Manufacturer.equals("A") | (Manufacturer.contains("B") * !Manufacturer.equals("AB"))': (
        lambda a, m: a == "A" or ("B" in a and a != "AB")
    ),
}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_expressions_mean_what_they_say(expression: str, tmp_path: Path) -> None:
    rules = rules_of(f"{{{expression}}}(0,0,1,1)", tmp_path, "p.script")
    seen = set()
    for maker in ("A", "B", "AB", "C"):
        for modality in ("US", "CT", "1"):
            expected = EXPRESSIONS[expression](maker, modality)
            seen.add(expected)
            got = any(fits(rule, manufacturer=maker, modality=modality) for rule in rules)
            assert got == expected, (maker, modality)
    assert seen == {True, False}


US = '{ Modality.equals("US") }'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "this is not a script"),
        ("no signature", "this is not a script"),
        (f"{US} (0,0,1,1) {{", "this is not a script"),
        (f"\n{US}", "line 2: the signature has no region"),
        (f"{US}\n(0,0,1)", "line 2: this is not a region"),
        (f"{US}\n(0,0,1,1)\n(0,-1,1,1)", "line 3: this is not a region"),
        (f"{US}\n(0,0,0,1)", "line 1: the box from column 0, row 0 to 0, 1 holds no pixel"),
        ("{}\n(0,0,1,1)", "line 1: this expression is not understood"),
        ('{ Modality.equals("US") *\n }(0,0,1,1)', "this expression is not understood"),
        ('{\n Modality.equals("US") ? }(0,0,1,1)', "line 2: this expression is not understood"),
        ('{ (Modality.equals("US") }(0,0,1,1)', "this expression is not understood"),
        ("{ true }(0,0,1,1)", "this expression is not understood"),
        ('{\n Modality.isLessThan("US") }(0,0,1,1)', "line 2: isLessThan is not known"),
        ('{ Modality.matchesIgnoreCase("U") }(0,0,1,1)', "matchesIgnoreCase is not known"),
        ('{ Modality.matches("(U+)+") }(0,0,1,1)', "could take very long"),
        ('{\n\n Rows.contains("5") }(0,0,1,1)', "line 3: Rows can only equal a number"),
        ('{ !Rows.equals("5") }(0,0,1,1)', "Rows can only equal a number"),
        ('{ Rows.equals("5") }(0,0,1,1)', "the signature would fit any device"),
        ('{ [0028,0100].equals("5") }(0,0,1,1)', "00280100 cannot be matched"),
        ('{ ImplementationVersionName.equals("5") }(0,0,1,1)', "cannot be matched"),
        ("{" + "(" * 99 + "}(0,0,1,1)", "this expression is not understood"),
        (
            "{" + "*".join(['(Modality.equals("A")+Modality.equals("B"))'] * 9) + "}(0,0,1,1)",
            "too many cases",
        ),
    ],
)
def test_what_a_script_cannot_say_is_refused_with_its_line(
    text: str, told: str, tmp_path: Path
) -> None:
    message = problem(text, tmp_path, "p.script")
    assert message.startswith("p.script")
    assert told in message


def test_a_signature_of_two_sizes_at_once_is_no_rule(tmp_path: Path) -> None:
    text = '{ Modality.equals("US") * Rows.equals("5") * Rows.equals("6") } (0,0,1,1)'
    assert rules_of(text, tmp_path, "p.script") == ()


def test_long_values_and_hard_expressions_take_no_time(tmp_path: Path) -> None:
    (rule,) = rules_of("- {match: {Manufacturer: '.*a.*b.*c'}, top: 1}", tmp_path)
    start = time.process_time()
    for text in ("ab" * 128, "ab" * 100_000):
        assert not fits(rule, manufacturer=text)
    assert time.process_time() - start < 10  # hours, if it were exponential
