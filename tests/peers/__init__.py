"""Comparisons with released code: they hold, and they fail when the released code is changed by one symbol."""
