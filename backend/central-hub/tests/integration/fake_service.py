"""A tiny service for tests: a health page on its port. Files named in the environment make it misbehave."""

import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

UNREADY = Path(os.environ.get("AITRADING_DATA_DIR", "")) / "unready"


class Page(BaseHTTPRequestHandler):
    """Ready unless the file `unready` is there."""

    def do_GET(self) -> None:
        self.send_response(503 if UNREADY.exists() else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


def main() -> None:
    """Serve until SIGTERM."""
    name = os.environ["FAKE_NAME"]
    port = int(os.environ[f"AITRADING_{name.upper().replace('-', '_')}_PORT"])
    if (Path(os.environ["AITRADING_DATA_DIR"]) / f"{name}.fails").exists():
        sys.exit("no reason to live")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    HTTPServer(("127.0.0.1", port), Page).serve_forever()


if __name__ == "__main__":
    main()
