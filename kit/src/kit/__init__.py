"""The chassis every service stands on: settings, logs, lifespan, health, bus, clock, signing."""
