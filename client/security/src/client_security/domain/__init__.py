"""The rules of trust on the trader's PC: who is the server, what may it ask, and was a record changed."""
