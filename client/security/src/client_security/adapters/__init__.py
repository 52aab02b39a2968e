"""Where the secrets and the audit log lie on disk."""
