"""The journal's page in the navigation."""

from anlan.ui.navigation import NAVIGATION, NavItem

NAVIGATION.add("journal", NavItem("记录", "journal", "book", "other", 10, "journal.read"))
