"""Anlan 安澜: a county's line of defence, from the rain gauge to the village head who is woken at night."""

__version__ = "0.1.0"
