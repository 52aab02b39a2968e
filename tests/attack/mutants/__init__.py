"""Planted holes: the platform with one check removed, and the suite that must notice."""
