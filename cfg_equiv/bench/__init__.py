"""Measurements that are no tests: how tight, how fast, how many mutations are caught."""
