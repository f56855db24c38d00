"""Policy files: everything that a :class:`~anontui.deid.rules.policy.Policy` is made of, as YAML.

::

    options: [retain-longitudinal-modified-dates, clean-descriptors]
    script: anonymizer.script       # of CTP, with lookup: for its table
    recipe: deid.dicom              # these three before the rules, which overrule them
    dictionary: dictionary.json
    rules:
      (0008,0080): keep
      PatientAge: {action: round_age, width: 10}
    white_list: vocabulary.json     # or tags with lists of values
    clean_by: scrub                 # or remove
    keep_private: no
    shift_time: no
    pixel_rules: [ultrasound.json]
    filters:
      secondary_capture: no
      required: [StudyDate]
      sop_classes: [CT Image Storage, MRImageStorage]
      opt_out: opted-out.txt        # patient IDs, one a line
    limits: {depth: 16}

Files are named as seen from the policy file. Everything may be left out.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import fields
from functools import cache
from pathlib import Path

from anontui.deid.readers.ctp import read_script
from anontui.deid.readers.dictionary import entry_rule, read_dictionary
from anontui.deid.readers.recipe import read_recipe
from anontui.deid.readers.texts import lines_of, read_text, refused, shown
from anontui.deid.readers.told import pattern_of
from anontui.deid.readers.yamlnodes import Node, load_nodes
from anontui.deid.rules.actions import AnyRule
from anontui.deid.rules.options import Option, options_named
from anontui.deid.rules.pixelrules import PixelRules
from anontui.deid.rules.policy import CleanBy, Filters, Limits, Policy
from anontui.deid.rules.tags import TagPattern
from anontui.deid.rules.whitelist import WhiteList
from anontui.errors import DeidError

_NAMES = (
    "options",
    "script",
    "lookup",
    "recipe",
    "dictionary",
    "rules",
    "white_list",
    "clean_by",
    "keep_private",
    "shift_time",
    "pixel_rules",
    "filters",
    "limits",
)
_YES = frozenset({"yes", "true", "on"})
_NO = frozenset({"no", "false", "off"})
_SETS = ("required", "sop_classes", "opt_out")


def read_policy(path: Path) -> Policy:
    """Read a policy file; see this module for what it may hold.

    Raises
    ------
    DeidError
        With file and line, if anything in it, or in a file that it names, is not understood.
    """
    return _PolicyFile(path).policy()


class _PolicyFile:
    def __init__(self, path: Path) -> None:
        self._folder = path.parent
        self._given = load_nodes(read_text(path), path.name).names()
        self._name = path.name
        _check_names(self._given, _NAMES)

    def policy(self) -> Policy:
        options = {option for node in self._items("options") for option in _options(node)}
        rules: list[tuple[TagPattern, AnyRule]] = []
        keep_private = self._yes("keep_private")
        lookup = self._file("lookup")
        if script_file := self._file("script"):
            script = read_script(script_file, lookup)
            rules += script.rules
            options |= script.options
            if keep_private and script.removes_private:
                raise refused(
                    self._given["keep_private"].where,
                    "private elements are to be kept, but the script removes them",
                    "Change one of the two.",
                )
        elif lookup:
            raise refused(self._given["lookup"].where, "it is for a script", "Name the script.")
        if recipe := self._file("recipe"):
            rules += read_recipe(recipe)
        if dictionary := self._file("dictionary"):
            rules += read_dictionary(dictionary)
        rules += [
            entry_rule(tag, node.plain(), node.where) for tag, node in self._names("rules").items()
        ]
        white_list = self._white_list()
        clean_by = self._clean_by()
        shift_time = self._yes("shift_time")
        pixel_rules = self._pixel_rules()
        filters, limits = self._filters(), self._limits()
        try:
            return Policy.build(
                options=options,
                rules=rules,
                white_list=white_list,
                clean_by=clean_by,
                keep_private=keep_private,
                shift_time=shift_time,
                pixel_rules=pixel_rules,
                filters=filters,
                limits=limits,
            )
        except DeidError as error:  # what fits together by itself, but not with the rest
            where = self._given["options"].where if "options" in self._given else self._name
            raise refused(where, error.message, error.advice) from error

    def _items(self, name: str) -> list[Node]:
        return self._given[name].items() if name in self._given else []

    def _names(self, name: str) -> dict[str, Node]:
        return self._given[name].names() if name in self._given else {}

    def _yes(self, name: str) -> bool:
        return name in self._given and _is_yes(self._given[name])

    def _file(self, name: str) -> Path | None:
        node = self._given.get(name)
        return self._path(node) if node is not None and node.text() else None

    def _path(self, node: Node) -> Path:
        path = self._folder / node.text()
        try:
            is_file = path.is_file()
        except (OSError, ValueError):
            is_file = False
        if not is_file:
            raise refused(
                node.where,
                f"there is no file {shown(node.text())}",
                "Name it as seen from the policy file.",
            )
        return path

    def _white_list(self) -> WhiteList:
        node = self._given.get("white_list")
        if node is None or not isinstance(node.value, dict):
            file = self._file("white_list")
            return WhiteList.read(file) if file else WhiteList()
        return WhiteList.of(
            (tag, [item.text() for item in values.items()], values.where)
            for tag, values in node.value.items()
        )

    def _clean_by(self) -> CleanBy:
        node = self._given.get("clean_by")
        match node.text() if node is not None else "remove":
            case "remove":
                return "remove"
            case "scrub":
                return "scrub"
        where = node.where if node is not None else self._name
        raise refused(where, "clean_by is remove or scrub", "Write one of them.")

    def _pixel_rules(self) -> PixelRules | None:
        paths = [self._path(node) for node in self._items("pixel_rules")]
        return PixelRules.read(paths) if paths else None

    def _filters(self) -> Filters:
        given = self._names("filters")
        names = [field.name for field in fields(Filters)]
        _check_names(given, names)
        switches = {name: _is_yes(given[name]) for name in names if name in given.keys() - _SETS}
        required = given["required"].items() if "required" in given else []
        classes = given["sop_classes"].items() if "sop_classes" in given else []
        opt_out = given.get("opt_out")
        return Filters(
            **switches,
            required=frozenset(map(_tag, required)),
            sop_classes=frozenset(map(_sop_class, classes)),
            opt_out=_patients(self._path(opt_out)) if opt_out and opt_out.text() else frozenset(),
        )

    def _limits(self) -> Limits:
        given = self._names("limits")
        _check_names(given, [field.name for field in fields(Limits)])
        numbers = {}
        for name, node in given.items():
            most = getattr(Limits(), name) if name == "depth" else 1 << 40
            if not re.fullmatch(r"[0-9]{1,13}", node.text()) or not 1 <= int(node.text()) <= most:
                raise refused(
                    node.where, f"{name} is no such number", f"Write one from 1 to {most}."
                )
            numbers[name] = int(node.text())
        return Limits(**numbers)


def _check_names(given: dict[str, Node], names: Sequence[str]) -> None:
    for name, node in given.items():
        if name not in names:
            close = difflib.get_close_matches(name, names, n=1)
            advice = f"Did you mean {close[0]}? " if close else ""
            raise refused(
                node.where, f"there is no {shown(name)}", f"{advice}Known: {', '.join(names)}."
            )


def _options(node: Node) -> frozenset[Option]:
    try:
        return options_named([node.text()])
    except DeidError as error:
        raise refused(node.where, error.message, error.advice) from None


def _is_yes(node: Node) -> bool:
    text = node.text().lower()
    if text not in _YES | _NO:
        raise refused(node.where, f"{shown(text)} is neither yes nor no", "Write yes or no.")
    return text in _YES


def _tag(node: Node) -> int:
    if node.text().startswith("(") and not node.text().endswith(")"):  # [(0010,0020)] is cut
        raise refused(node.where, "the tag is cut in two", 'In […] write "(0010,0020)" in quotes.')
    tag = pattern_of(node.text(), node.where).tag
    if tag is None:
        raise refused(node.where, "one attribute is expected", "Write its keyword or its tag.")
    return tag


def _sop_class(node: Node) -> str:
    text = node.text().strip()
    uid = _sop_classes().get("".join(text.lower().split()))
    if uid is None and not re.fullmatch(r"[0-9]+(\.[0-9]+)+", text):
        raise refused(
            node.where,
            f"there is no SOP class {shown(text)}",
            "Write its UID or its name, such as CT Image Storage.",
        )
    return uid or text


@cache
def _sop_classes() -> dict[str, str]:
    from pydicom import _uid_dict

    return {
        "".join(name.lower().split()): uid
        for uid, (full_name, kind, *_, keyword) in _uid_dict.UID_dictionary.items()
        if kind == "SOP Class"
        for name in (full_name, keyword)
    }


def _patients(path: Path) -> frozenset[str]:
    return frozenset(filter(None, map(str.strip, lines_of(read_text(path)))))
