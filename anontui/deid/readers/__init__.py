"""Readers of what users have: tags and actions, dictionaries, scripts, recipes, policy files.

Each turns a form of its own into pairs of a :class:`~anontui.deid.rules.tags.TagPattern` and a
rule, for :class:`~anontui.deid.rules.policy.Policy`. What cannot be done exactly is refused by
its line.
"""
