"""The NATS library's client, with our keys, and never giving a connection up."""

import asyncio
from pathlib import Path

import nats.errors
from nats.aio.client import Client
from nats.protocol.parser import PERMISSIONS_ERR, STALE_CONNECTION

from kit import log, nkeys
from kit.backoff import Backoff

_log = log.get("bus")


class KeyedClient(Client):
    """Answers the server's challenge with our own Ed25519 (the library would import another one for it), and comes back
    after whatever happened to the connection: only `close` ends it."""

    reconnect_backoff = Backoff(0.1, 1.0)
    """How long between tries after one failed in a way that the library does not foresee."""

    async def _process_connect_init(self) -> None:
        try:
            await super()._process_connect_init()
        finally:
            # the library does not tell its stream that it runs over TLS: asyncio would warn at the end of each. A
            # connection that was lost meanwhile has no stream any more
            writer = getattr(self._transport, "_io_writer", None)
            if writer is not None and (stream := writer.transport.get_protocol()) is not None:
                stream._over_ssl = True

    def _setup_nkeys_seed_connect(self) -> None:
        seed = Path(str(self._nkeys_seed))
        self._public_nkey = nkeys.public_of(seed.read_text())
        # read again at every connection, so that the key does not stay in memory
        self._signature_cb = lambda nonce: nkeys.sign(seed.read_text(), nonce.encode())

    async def _attempt_reconnect(self) -> None:
        # the library's loop ends for good with the first exception it does not expect: nobody would ever come back
        for delay in self.reconnect_backoff.delays():
            # a lost connection needs no goodbye, and TLS would wait half a minute for the answer of a dead server
            if writer := getattr(self._transport, "_io_writer", None):
                writer.transport.abort()
            try:
                await super()._attempt_reconnect()
                return
            except Exception as error:  # noqa: BLE001 whatever it was, deaf is worse
                if self.is_closed:
                    return
                _log.error("bus_reconnect_failed", error=repr(error), exc_info=True)
                self._status = Client.RECONNECTING
                await asyncio.sleep(delay)

    async def _process_err(self, err_msg: str) -> None:
        # to a connection that the server ends with a reason the library never returns; ours comes back and asks again
        if PERMISSIONS_ERR in err_msg or STALE_CONNECTION in err_msg:
            await super()._process_err(err_msg)
            return
        error = nats.errors.Error(f"nats: {err_msg}")
        await self._error_cb(error)
        await self._process_op_err(error)
