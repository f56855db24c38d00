"""What a policy makes of told rules: the last that fits, or the standard."""

from __future__ import annotations

import pickle

from hypothesis import given
from hypothesis import strategies as st

from anontui.deid.rules.actions import Action, AnyRule, Rule
from anontui.deid.rules.policy import Policy
from anontui.deid.rules.tags import TagPattern

TAGS = [0x00080020, 0x00080080, 0x00280010, 0x00290010, 0x60003000]
PATTERNS = [
    *(TagPattern(tag) for tag in TAGS),
    TagPattern(0, 0),
    TagPattern(0x00080000, 0xFFFF0000),
    TagPattern(0x60000000, 0xFF000000),
    TagPattern(0x00290010, 0xFFFF00FF, "A"),
]
BASIC = Policy.basic()


@given(
    st.lists(st.tuples(st.sampled_from(PATTERNS), st.sampled_from(["keep", "standard", "empty"])))
)
def test_the_last_that_fits_wins(pairs: list[tuple[TagPattern, str]]) -> None:
    rules = [(pattern, Rule(Action(name), str(at))) for at, (pattern, name) in enumerate(pairs)]
    policy = Policy(rules=BASIC.rules, told=tuple(rules))
    for tag in TAGS:
        for creator in ("", "A"):
            expected: AnyRule = BASIC.rule(tag, {}, creator)
            fitting = [rule for pattern, rule in rules if pattern.matches(tag, creator)]
            if fitting and fitting[-1].action is not Action.STANDARD:
                expected = fitting[-1]
            found = policy.rule(tag, {}, creator)
            assert found == expected
            assert pickle.loads(pickle.dumps(policy)).rule(tag, {}, creator) == expected
