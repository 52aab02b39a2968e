"""When a server comes back, a thousand clients do not come back in the same moment."""

import random
from collections import Counter
from dataclasses import replace
from itertools import accumulate, islice

from metatrader_connector.adapters.uplink import RECONNECT


def test_N13_a_thousand_clients_come_back_spread_out_and_soon() -> None:
    # the server is away for four seconds: each client's first try after that
    back = []
    for client in range(1_000):
        tries = accumulate(islice(replace(RECONNECT, rng=random.Random(client)).delays(), 20))
        back.append(next(at for at in tries if at >= 4.0) - 4.0)
    in_a_quarter_second = Counter(int(at * 4) for at in back)
    assert max(in_a_quarter_second.values()) < 150
    assert sorted(back)[950] < 10


def test_N13_clients_that_are_cut_at_once_do_not_return_at_once() -> None:
    first = [next(replace(RECONNECT, rng=random.Random(client)).delays()) for client in range(1_000)]
    in_fifty_ms = Counter(int(at * 20) for at in first)
    assert max(in_fifty_ms.values()) < 200
    assert min(first) < 0.1
