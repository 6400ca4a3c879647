"""Checks for other people's code."""
