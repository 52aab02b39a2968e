"""The heart: events in, effects out, no clock, no network, no chance."""
