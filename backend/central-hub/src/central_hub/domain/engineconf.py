"""The configuration files of the embedded engines, as text."""

import json
from collections.abc import Mapping

from central_hub.domain.rights import Permissions
from contracts.subjects import STREAMS

MAX_PAYLOAD = 8 * 1024 * 1024
_MB = 1024 * 1024
DATABASE = OWNER = "aitrading"
"""The owner migrates and backs up."""
APP = "aitrading_app"
"""The running service."""
ROOM = 4


def _quoted(values: tuple[str, ...]) -> str:
    return "[" + ", ".join(json.dumps(v) for v in values) + "]"


def _user(nkey: str, allowed: Permissions) -> str:
    deny = f", deny: {_quoted(allowed.publish_deny)}" if allowed.publish_deny else ""
    return f"""    {{ nkey: {json.dumps(nkey)}, permissions: {{
      publish: {{ allow: {_quoted(allowed.publish)}{deny} }}
      subscribe: {{ allow: {_quoted(allowed.subscribe)} }}
      allow_responses: {{ max: 1, expires: "2m" }}
    }} }}"""


def nats_conf(
    port: int, store_dir: str, pid_file: str, tls_dir: str, nkeys: Mapping[str, str], users: Mapping[str, Permissions]
) -> str:
    """nats-server's configuration: loopback only, TLS 1.3 with certificates on both sides before the first byte,
    JetStream, one key per service (`nkeys`: user -> public key)."""
    on_disk = sum(s.max_bytes for s in STREAMS if not s.memory)
    in_memory = sum(s.max_bytes for s in STREAMS if s.memory)
    listed = "\n".join(_user(nkeys[name], allowed) for name, allowed in sorted(users.items()))
    return f"""# Written by central-hub at every start; changes made here are lost.
listen: "127.0.0.1:{port}"
server_name: "aitrading"
pid_file: {json.dumps(pid_file)}
max_payload: {MAX_PAYLOAD}
# a consumer of ticks may have 256 full batches on the way before it acknowledges
max_pending: {256 * _MB}
max_connections: 1024
tls {{
  cert_file: {json.dumps(tls_dir + "/cert.pem")}
  key_file: {json.dumps(tls_dir + "/key.pem")}
  ca_file: {json.dumps(tls_dir + "/ca.pem")}
  verify: true
  handshake_first: true
  min_version: "1.3"
  curve_preferences: ["X25519", "CurveP256", "CurveP384"]
  timeout: 5
}}
jetstream {{
  store_dir: {json.dumps(store_dir)}
  # what streams may take is limited by each of them; here only room to ask for all of them again (a service that
  # makes a stream which exists is checked against what is left, although it takes nothing)
  max_file_store: {ROOM * on_disk}
  max_memory_store: {ROOM * in_memory}
  # the default is two minutes; the ends keep the truth, so this only shortens what they have to repeat
  sync_interval: "10s"
}}
authorization {{
  users: [
{listed}
  ]
}}
"""


SOCKET_PORT = 5432
"""PostgreSQL names its socket file after a port, although it listens on none."""


def socket_name() -> str:
    """The socket's file name."""
    return f".s.PGSQL.{SOCKET_PORT}"


def postgres_conf(socket_dir: str) -> str:
    """postgresql.conf: a unix socket for its owner only, no TCP, durable commits, quiet log on standard error."""
    quoted = socket_dir.replace("'", "''")
    return f"""# Written by central-hub at every start; changes made here are lost.
listen_addresses = ''
port = {SOCKET_PORT}
unix_socket_directories = '{quoted}'
unix_socket_permissions = 0600
password_encryption = 'scram-sha-256'
max_connections = 64
shared_buffers = '128MB'
dynamic_shared_memory_type = 'posix'
max_wal_size = '1GB'
min_wal_size = '80MB'
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
log_destination = 'stderr'
logging_collector = off
log_min_messages = 'warning'
log_line_prefix = '%m [%p] '
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
"""


def pg_hba() -> str:
    """Who may connect to PostgreSQL: our two roles, through the socket, with a password."""
    lines = "".join(f"local {DATABASE} {role} scram-sha-256\n" for role in (OWNER, APP))
    return f"# Written by central-hub at every start.\nlocal postgres {OWNER} scram-sha-256\n{lines}"


def roles_sql(owner_password: str, app_password: str) -> tuple[str, ...]:
    """Statements that make the running service's role where it is missing, and set both passwords. That role can't
    create, can't see around row security, and owns nothing: its rights come from the migrations."""
    for password in (owner_password, app_password):
        if not password.replace("-", "").replace("_", "").isalnum():
            raise ValueError("a database password holds letters, digits, - and _ only")
    plain = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
    return (
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{APP}') "
        f"THEN CREATE ROLE {APP}; END IF; END $$;",
        f"ALTER ROLE {APP} {plain} PASSWORD '{app_password}';",
        f"ALTER ROLE {OWNER} PASSWORD '{owner_password}';",
    )
