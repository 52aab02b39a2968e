"""Keep the trader's secrets and verify what the server signs."""
