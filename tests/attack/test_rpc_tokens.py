"""Questions over the running platform's bus with proofs that lie: three services, from a seat that is truly ours.

The seat has its own key of the bus, its own certificate and its own service key: only the proofs lie.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from token_corpus import Forge, Lie, lies, sendable
from town import Town

from contracts import rpc, subjects
from contracts.codec import decode, encode
from contracts.proof import TrailQuestion
from contracts.rpc import Fault, Method
from contracts.trading import PULSE
from kit import tokens
from kit.keys import key_id, read_private_key
from kit.nats_bus import FAULT, NatsBus
from kit.service_tokens import AUTHORIZATION, FORBIDDEN, KIND, LIFETIME_S, ON_BEHALF_OF

Counted = Callable[[int, int], None]
Any_ = Any
