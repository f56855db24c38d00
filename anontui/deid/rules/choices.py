"""Rules that look at other attributes before they decide."""

from __future__ import annotations

import re
from collections.abc import Callable

from anontui.deid.rules.actions import AnyRule, Choice, Condition, Rule


def decided(rule: AnyRule, text_of: Callable[[int], str | None]) -> Rule:
    """The rule that holds, once its conditions are asked.

    Parameters
    ----------
    rule
        A rule, or a choice between rules.
    text_of
        The text of an attribute in the same data set; ``None`` if it has no such attribute.
    """
    while isinstance(rule, Choice):
        rule = rule.then if holds(rule.condition, text_of(rule.condition.tag)) else rule.otherwise
    return rule


def holds(condition: Condition, text: str | None) -> bool:
    """Whether a condition is met by an attribute's text."""
    there, argument = text or "", condition.argument
    match condition.test:
        case "exists":
            return text is not None
        case "blank":
            return not there.strip()
        case "equals":
            return there.casefold() == argument.casefold()
        case "contains":
            return argument.casefold() in there.casefold()
        case "matches":
            return re.fullmatch(argument, there) is not None
        case "greater":
            return _number(there) > _number(argument)
    raise ValueError(condition.test)


def _number(text: str) -> float:
    digits = re.sub(r"[^0-9.+-]", "", text)
    try:
        return float(digits)
    except ValueError:
        return float("-inf")
