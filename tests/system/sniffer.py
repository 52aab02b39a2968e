"""Hear every byte that crosses the loopback interface, and tell whether a stream of bytes is TLS."""

import contextlib
import os
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

ETH_P_ALL = 3
OUTGOING = 4
"""Loopback shows each packet twice; this one is the second look at it."""
HANDSHAKE, ALERT = b"\x16\x03", b"\x15\x03"


def may_listen() -> bool:
    """Raw sockets need root and Linux."""
    return hasattr(socket, "AF_PACKET") and os.geteuid() == 0


Flow = tuple[str, int, str, int]
""" address and port of the sender, address and port of the receiver """


@dataclass
class Heard:
    """What was sent, flow by flow, as far as the first bytes and a search need it."""

    needles: tuple[bytes, ...]
    bytes: dict[Flow, int] = field(default_factory=dict)
    first: dict[Flow, bytes] = field(default_factory=dict)
    """ flow -> its first bytes, when its beginning was seen """
    found: dict[bytes, set[int]] = field(default_factory=dict)
    """ needle -> ports it crossed """
    tail: dict[Flow, bytes] = field(default_factory=dict)
    """ flow -> its last bytes: a needle may lie across two packets """
    opened: set[Flow] = field(default_factory=set)
    lost: int = 0

    def packet(self, frame: bytes) -> None:
        """One Ethernet frame."""
        kind = frame[12:14]
        if kind == b"\x08\x00":
            ip = frame[14:]
            if ip[9] != socket.IPPROTO_TCP:
                return
            source, target = socket.inet_ntoa(ip[12:16]), socket.inet_ntoa(ip[16:20])
            tcp = ip[(ip[0] & 15) * 4 : struct.unpack(">H", ip[2:4])[0]]
        elif kind == b"\x86\xdd":
            ip = frame[14:]
            if ip[6] != socket.IPPROTO_TCP:
                return
            source, target = (socket.inet_ntop(socket.AF_INET6, ip[i : i + 16]) for i in (8, 24))
            tcp = ip[40 : 40 + struct.unpack(">H", ip[4:6])[0]]
        else:
            return
        near, far = struct.unpack(">HH", tcp[:4])
        flow = (source, near, target, far)
        if tcp[13] & 2:
            self.opened.add(flow)
        if payload := tcp[(tcp[12] >> 4) * 4 :]:
            self._payload(flow, payload)

    def _payload(self, flow: Flow, payload: bytes) -> None:
        if flow in self.opened and flow not in self.first:
            self.first[flow] = payload[:16]
        self.bytes[flow] = self.bytes.get(flow, 0) + len(payload)
        text = self.tail.get(flow, b"") + payload
        for needle in self.needles:
            if needle in text:
                self.found.setdefault(needle, set()).update((flow[1], flow[3]))
        self.tail[flow] = text[-64:]

    def total(self, port: int) -> int:
        """Bytes that crossed a port, both ways."""
        return sum(count for flow, count in self.bytes.items() if port in (flow[1], flow[3]))

    def not_tls(self, ports: set[int]) -> dict[Flow, bytes]:
        """Flows of these ports that did not begin with a TLS record."""
        return {
            flow: start
            for flow, start in self.first.items()
            if {flow[1], flow[3]} & ports and start[:2] not in (HANDSHAKE, ALERT)
        }


@contextlib.contextmanager
def listening(needles: tuple[bytes, ...]) -> Iterator[Heard]:
    """Hear the loopback interface until the end of the block."""
    heard = Heard(needles)
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    raw.setsockopt(socket.SOL_SOCKET, 33, 256 << 20)  # SO_RCVBUFFORCE: root may ask for as much as it takes
    raw.bind(("lo", 0))
    raw.settimeout(0.2)
    over = threading.Event()
    last = os.urandom(32)

    def work() -> None:
        while True:
            try:
                frame, about = raw.recvfrom(262_144)
            except TimeoutError:
                if over.is_set():
                    return
                continue
            if last in frame:  # all that was sent before it has been heard
                return
            if about[2] != OUTGOING:
                heard.packet(frame)

    thread = threading.Thread(target=work, name="sniffer", daemon=True)
    thread.start()
    try:
        yield heard
    finally:
        over.set()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mark:
            mark.sendto(last, ("127.0.0.1", 9))
        thread.join(60)
        # PACKET_STATISTICS: what the kernel had to drop
        heard.lost = struct.unpack("II", raw.getsockopt(263, 6, 8))[1]
        raw.close()
