"""Decide who may ask, answer from the stores, and fan live prices out to browsers."""
