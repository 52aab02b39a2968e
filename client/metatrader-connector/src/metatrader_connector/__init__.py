"""Speak with one MT5 terminal: every tick up, every verified order down."""
