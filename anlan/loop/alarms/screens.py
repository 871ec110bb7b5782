"""The rules in the navigation, and the word of their journal line."""

from anlan.base.journal.references import KIND_WORDS
from anlan.ui.navigation import NAVIGATION, NavItem

NAVIGATION.add("rules", NavItem("规则", "rules", "shield", "calm", 17, "rules.read"))
KIND_WORDS.add("rules.changed", "改规则")
