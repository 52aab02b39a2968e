"""Own every store: idempotent writes, typed queries, migrations, bars."""
