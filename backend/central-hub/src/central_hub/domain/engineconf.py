"""The configuration files of the embedded engines, as text."""

import json
from collections.abc import Mapping

from central_hub.domain.rights import Permissions
from contracts.subjects import STREAMS

MAX_PAYLOAD = 8 * 1024 * 1024
_MB = 1024 * 1024
ROOM = 4


def _quoted(values: tuple[str, ...]) -> str:
    return "[" + ", ".join(json.dumps(v) for v in values) + "]"


def _user(name: str, password: str, allowed: Permissions) -> str:
    deny = f", deny: {_quoted(allowed.publish_deny)}" if allowed.publish_deny else ""
    return f"""    {{ user: {json.dumps(name)}, password: {json.dumps(password)}, permissions: {{
      publish: {{ allow: {_quoted(allowed.publish)}{deny} }}
      subscribe: {{ allow: {_quoted(allowed.subscribe)} }}
      allow_responses: {{ max: 1, expires: "2m" }}
    }} }}"""


def nats_conf(
    port: int, store_dir: str, pid_file: str, passwords: Mapping[str, str], users: Mapping[str, Permissions]
) -> str:
    """nats-server's configuration: loopback only, JetStream, one user per service."""
    on_disk = sum(s.max_bytes for s in STREAMS if not s.memory)
    in_memory = sum(s.max_bytes for s in STREAMS if s.memory)
    listed = "\n".join(_user(name, passwords[name], allowed) for name, allowed in sorted(users.items()))
    return f"""# Written by central-hub at every start; changes made here are lost.
listen: "127.0.0.1:{port}"
server_name: "aitrading"
pid_file: {json.dumps(pid_file)}
max_payload: {MAX_PAYLOAD}
# a consumer of ticks may have 256 full batches on the way before it acknowledges
max_pending: {256 * _MB}
max_connections: 1024
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


def postgres_conf(port: int) -> str:
    """postgresql.conf: loopback TCP with a password, durable commits, quiet log on standard error."""
    return f"""# Written by central-hub at every start; changes made here are lost.
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
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
    """Who may connect to PostgreSQL: this machine, with a password."""
    return "# Written by central-hub at every start.\nhost all all 127.0.0.1/32 scram-sha-256\n"
