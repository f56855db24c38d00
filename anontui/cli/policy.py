"""The options of ``anontui deid`` that say what is done and who patients become."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from anontui.cli.out import say
from anontui.cli.told import words_of
from anontui.errors import UsageError

if TYPE_CHECKING:
    from anontui.deid import Deidentifier, Policy
    from anontui.deid.file import PseudonymFor

PATH = click.Path(path_type=Path)


class Told(NamedTuple):
    """What the options say of policy and identities."""

    option: tuple[str, ...]
    told: tuple[str, ...]
    dictionary: Path | None
    script: Path | None
    lookup: Path | None
    recipe: Path | None
    white_list: Path | None
    pixel_rules: tuple[Path, ...]
    policy: Path | None
    keep_private: bool
    clean_by: str | None
    key_file: Path | None
    pseudonyms: Path | None


_OPTIONS = (
    click.option("--option", multiple=True, metavar="NAME", help="Of PS3.15, as retain-uids."),
    click.option(
        "-t", "told", multiple=True, metavar="TAG ACTION [ARGS …]", help="A rule of your own."
    ),
    click.option(
        "--dictionary", type=PATH, metavar="FILE", help="JSON of rules, as dicom-anonymizer's."
    ),
    click.option("--script", type=PATH, metavar="FILE", help="Script of CTP or RSNA's Anonymizer."),
    click.option("--lookup", type=PATH, metavar="FILE", help="The script's lookup table."),
    click.option("--recipe", type=PATH, metavar="FILE", help="Recipe of deid."),
    click.option("--white-list", type=PATH, metavar="FILE", help="JSON of values that may stay."),
    click.option(
        "--pixel-rules",
        type=PATH,
        metavar="FILE",
        multiple=True,
        help="What to black out; cleans pixel data.",
    ),
    click.option(
        "--policy",
        type=PATH,
        metavar="FILE",
        help="YAML with all of these; the others add to it.",
    ),
    click.option("--keep-private", "--keepPrivateTags", is_flag=True, help="Keep private tags."),
    click.option("--clean-by", type=click.Choice(["remove", "scrub"]), help="For cleaned texts."),
    click.option(
        "--key-file", type=PATH, metavar="FILE", help="The secret; made if it does not exist."
    ),
    click.option(
        "--pseudonyms",
        type=PATH,
        metavar="FILE",
        help="CSV: patient_id,pseudo_id[,pseudo_name]",
    ),
)


def policy_options(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that :class:`Told` holds."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def policy_of(told: Told) -> Policy:
    """The policy file's, if any, and what the other options add to it or say instead.

    Raises
    ------
    UsageError, DeidError
        If something that they name is wrong, or they contradict each other.
    """
    from anontui.deid import Option, PixelRules, Policy, WhiteList
    from anontui.deid.readers.ctp import read_script
    from anontui.deid.readers.dictionary import read_dictionary
    from anontui.deid.readers.policyfile import read_policy
    from anontui.deid.readers.recipe import read_recipe
    from anontui.deid.readers.told import told_rule
    from anontui.deid.rules.options import options_named

    base = read_policy(told.policy) if told.policy else Policy.basic()
    options, rules = base.options | options_named(told.option), list(base.told)
    keep_private = told.keep_private or base.keep_private
    if told.script:
        script = read_script(told.script, told.lookup)
        options |= script.options
        rules += script.rules
        if keep_private and script.removes_private:
            raise UsageError(
                "Private elements are to be kept, but the script removes them",
                advice="Change one of the two.",
            )
    elif told.lookup:
        raise UsageError("A lookup table is for a script", advice="Add --script FILE.")
    if told.recipe:
        rules += read_recipe(told.recipe)
    if told.dictionary:
        rules += read_dictionary(told.dictionary)
    for words in map(words_of, told.told):
        if len(words) < 2:
            raise UsageError("-t needs a tag and an action", advice="See --help.")
        rules.append(told_rule(words[0], words[1], words[2:], "-t"))
    if told.pixel_rules:
        options |= {Option.CLEAN_PIXEL_DATA}
    return Policy.build(
        options=options,
        rules=rules,
        white_list=WhiteList.read(told.white_list) if told.white_list else base.white_list,
        clean_by="scrub" if (told.clean_by or base.clean_by) == "scrub" else "remove",
        keep_private=keep_private,
        shift_time=base.shift_time,
        pixel_rules=PixelRules.read(told.pixel_rules) if told.pixel_rules else base.pixel_rules,
        filters=base.filters,
        limits=base.limits,
    )


def identity_of(
    told: Told, target: Path | None, *, dry_run: bool
) -> tuple[bytes, PseudonymFor | None]:
    """The key, and who patients become if a list says it.

    Parameters
    ----------
    told
        The options.
    target
        Where results go, and the key must not be.
    dry_run
        Whether a key that does not exist yet must not be made.

    Raises
    ------
    UsageError, DeidError
        If something that they name is wrong.
    """
    from anontui.deid.run.keyfile import key_from, new_key
    from anontui.deid.run.pseudonyms import Pseudonyms, read_pseudonyms

    listed = read_pseudonyms(told.pseudonyms) if told.pseudonyms else None
    file = told.key_file
    if file is None or (dry_run and not file.exists()):
        key = new_key()
    else:
        if target is not None and file.resolve().is_relative_to(target.resolve()):
            raise UsageError(
                "The key would lie among the results",
                advice="Keep it where only you can read it.",
            )
        key, is_new = key_from(file)
        if is_new:
            say(f"Made the key {file}. Keep it, and keep it secret: it leads back to patients.")
    return key, None if listed is None else Pseudonyms(key, listed)


def deidentifier_of(told: Told) -> Deidentifier:
    """An engine that does what the options say; no key file is made for it."""
    from anontui.deid import Deidentifier
    from anontui.deid.run.pseudonyms import Pseudonyms

    policy = policy_of(told)
    key, pseudonym_for = identity_of(told, None, dry_run=True)
    return Deidentifier(policy, key, pseudonym_for or Pseudonyms(key))
