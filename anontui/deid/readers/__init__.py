"""Readers of what users have: tags and actions, dictionaries, scripts, recipes, policy files.

Each turns a form of its own into pairs of :class:`~anontui.deid.tags.TagPattern` and rule, for
:meth:`anontui.deid.policy.Policy.build`. What cannot be done exactly is refused by its line.
"""
