"""The composition root of the connector."""

import asyncio
import math

from prometheus_client import Gauge

from client_security.adapters.audit_log import AuditLog
from client_security.adapters.papers import Papers
from client_security.app import AUDIT_FILE
from client_security.domain.verification import Trust
from client_security.lifespan import App
from client_security.membership import Membership
from client_security.vaults import VAULT_DIR, vault_in
from metatrader_connector import clock_keeper
from metatrader_connector.account_watch import AccountWatch
from metatrader_connector.adapters import identity_file, named_terminal
from metatrader_connector.adapters.ea_door import EaDoor
from metatrader_connector.adapters.ea_files import EaFiles, hand_over_token
from metatrader_connector.adapters.halt_file import HaltFile
from metatrader_connector.adapters.identity_file import IdentityFile
from metatrader_connector.adapters.journal import SqliteJournal
from metatrader_connector.adapters.limits_file import LimitsFile
from metatrader_connector.adapters.named_terminal import NamedTerminal
from metatrader_connector.adapters.notary import Notary
from metatrader_connector.adapters.quarantine import Quarantine
from metatrader_connector.adapters.single import hold_directory
from metatrader_connector.adapters.spool import SqliteSpool
from metatrader_connector.adapters.terminal import TerminalClient
from metatrader_connector.adapters.uplink import Uplink
from metatrader_connector.clock_keeper import ClockKeeper
from metatrader_connector.domain import halt
from metatrader_connector.domain.ea_facts import EaFacts
from metatrader_connector.domain.feed_watch import FeedWatch, sessions_of
from metatrader_connector.domain.lease import Lease
from metatrader_connector.domain.server_clock import ServerClock
from metatrader_connector.domain.terminal import Launch
from metatrader_connector.ea_desk import EaDesk
from metatrader_connector.ea_ticks import MergedTicks
from metatrader_connector.failpoints import Failpoint, never
from metatrader_connector.order_desk import OrderDesk
from metatrader_connector.order_gate import OrderGate
from metatrader_connector.ports import Standing
from metatrader_connector.routes import ServerSide
from metatrader_connector.settings import AUTO, Settings
from metatrader_connector.tick_flow import Forwarder
from metatrader_connector.tick_reader import Reader

VERSION = "0.1.0"
UNKNOWN_YET = "utc"
"""The clock's name while it is being detected; no time is converted by it, because nothing is read until then."""


async def create_app(app: App, settings: Settings, failpoint: Failpoint = never) -> None:
    """Wire the parts and start them: storage first, then the terminal, then the uplink."""
    home = settings.data_dir
    app.closing.callback(hold_directory(home / "connector.lock").close)
    papers = Papers(vault_in(home, key=app.vault_key))
    membership = Membership(papers, home / VAULT_DIR, app.clock)
    enrolment = membership.enrolment
    now = app.clock.now_ms()
    keys = enrolment.keys()
    if (kept := papers.signal_keys()) is not None:
        keys.adopt(kept, now, kept=True)  # of another server's rotation key: the enrolment's keys count again
    spool = SqliteSpool(home / "spool.db", now, settings.spool_max_mb * 1024 * 1024, settings.spool_max_age_s * 1000)
    app.closing.callback(spool.close)
    journal = SqliteJournal(home / "journal.db", spool.epoch, now)
    app.closing.callback(journal.close)
    await journal.adopt_epoch(spool.epoch)
    audit = AuditLog(home / AUDIT_FILE)
    app.closing.callback(audit.close)
    notary = Notary(audit, papers)
    app.closing.callback(notary.note)
    worker = TerminalClient(
        Launch(
            settings.terminal,
            settings.terminal_path,
            str(home / "terminal.lock"),
            settings.open_timeout_ms,
            str(home / halt.FILE),
        ),
        settings.call_timeout_s,
        settings.send_timeout_s,
    )
    auto = settings.terminal_clock == AUTO
    zone = UNKNOWN_YET if auto else settings.terminal_clock
    terminal = NamedTerminal(worker, home / named_terminal.FILE)
    feed = FeedWatch(zone, settings.stale_after_s * 1000, sessions_of(settings.sessions))
    switch = HaltFile(home / halt.FILE)
    lease, server_clock = Lease(), ServerClock()
    line = Uplink(
        membership,
        lambda: spool.epoch,
        VERSION,
        app.clock,
        # a start claims the account; a client that has held it since only goes on
        lambda: Standing(journal.name, journal.last_session, lease.fence == 0),
    )
    forwarder = Forwarder(spool, line, app.clock)
    watch = AccountWatch(
        terminal,
        line,
        enrolment,
        app.clock,
        zone,
        settings.symbols,
        settings.most_symbols,
        lambda: dict(spool.refused),
        lambda: tuple(entry.signal.order_id for entry in desk.searching.values()),
        server_clock,
        IdentityFile(home / identity_file.FILE),
        switch.read,
        lambda: spool.gaps,
        feed,
        lambda: terminal.questions,
        lambda kind, words: audit.append(app.clock.now_ms(), kind, "", {"words": words}),
    )
    ticks = MergedTicks(terminal, app.clock, terminal.theirs)
    reader = Reader(
        terminal,
        ticks,
        spool,
        forwarder,
        enrolment,
        app.clock,
        zone,
        settings.poll_ms / 1000,
        settings.first_read_s,
        watch.symbols,
        Quarantine(home / "quarantine.jsonl").keep,
        feed,
        settings.backfill_max_s,
    )
    desk = OrderDesk(
        terminal,
        journal,
        line,
        watch,
        audit,
        Trust(enrolment.tenant, enrolment.account, keys, journal.created_ms),
        app.clock,
        zone,
        OrderGate(
            journal,
            watch,
            app.clock,
            LimitsFile(home / "limits.json", papers, app.clock),
            switch.read,
            reader.quotes,
        ),
        int(settings.not_sent_after_s * 1000),
        settings.search_every_s,
        lease,
        server_clock,
        failpoint,
    )

    def use(name: str) -> None:
        watch.zone = watch.clock_fit.zone = reader.zone = desk.zone = feed.broker_zone = name
        watch.clock_fit.trouble = ""

    keeper = ClockKeeper(terminal, watch, home / clock_keeper.FILE, app.clock, use, watch.alarm)
    if auto:
        watch.clock_known = False
        keeper.begin()
        app.run_task(keeper.run(), "clock")
    server = ServerSide(
        spool, journal, forwarder, desk, line, app.clock, lease, server_clock, papers, failpoint=failpoint
    )
    app.closing.callback(line.close)
    await desk.begin()

    app.health.register("terminal", watch.probe)
    app.health.register("uplink", line.probe)
    app.health.register("spool", spool.probe)
    if settings.ea_files is not None:
        await _listen_for_ea(app, settings, enrolment.account, ticks, watch, feed, terminal)
    _measure(app, reader, forwarder, spool, desk, worker, server_clock)
    app.run_task(notary.run(), "notary")
    app.run_task(worker.run(), "terminal")
    app.run_task(watch.run(), "account")
    app.run_task(reader.run(), "ticks")
    app.run_task(forwarder.pump(), "pump")
    app.run_task(forwarder.age(), "age")
    app.run_task(desk.run(), "orders")
    app.run_task(desk.resolve(), "resolve")
    app.run_task(line.run(server), "uplink")
    app.run_task(membership.keep(), "membership")
    await app.start_edge()


async def _listen_for_ea(
    app: App,
    settings: Settings,
    account: str,
    ticks: MergedTicks,
    watch: AccountWatch,
    feed: FeedWatch,
    terminal: NamedTerminal,
) -> None:
    """The EA tells sooner what the terminal tells completely; without it nothing is missing."""
    assert settings.ea_files is not None
    files = EaFiles(settings.data_dir)
    facts = EaFacts(await asyncio.to_thread(files.facts))
    desk = EaDesk(
        account,
        ticks,
        facts,
        app.clock,
        files,
        watch.look_soon,
        feed,
        lambda: feed.broker_zone if watch.clock_known else "",
        terminal.ours,
    )
    door = EaDoor(desk, app.clock, settings.ea_port)
    await door.start()
    app.closing.push_async_callback(door.stop)
    # the port is ours: only now may a token be left for whoever comes to it
    door.token = await asyncio.to_thread(hand_over_token, settings.ea_files, door.port)
    app.health.register("ea", desk.probe)
    app.run_task(desk.run(), "ea")
    for name, text, value in (
        ("ea_connected", "Whether the EA is here", lambda: float(desk.live is not None)),
        ("ea_ticks", "Ticks the EA told before the terminal was asked", lambda: ticks.pushed),
        ("ea_refused", "Messages of the EA without effect", lambda: desk.refused.total()),
        ("ea_holes", "How often messages of the EA were missing", lambda: desk.holes),
        ("ea_turned_away", "Connections without the token, or of a web page", lambda: door.refused),
    ):
        Gauge(name, text, registry=app.metrics).set_function(value)


def _measure(
    app: App, reader: Reader, forwarder: Forwarder, spool: SqliteSpool, desk: OrderDesk, terminal: TerminalClient,
    server_clock: ServerClock,
) -> None:  # fmt: skip
    for name, text, value in (
        ("ticks_read", "Ticks read from the terminal in this run", lambda: reader.ticks_read),
        ("ticks_sent", "Ticks sent to the server in this run, repeats included", lambda: forwarder.ticks_sent),
        ("ticks_refused", "Ticks kept out since the spool was made", lambda: sum(spool.refused.values())),
        ("ticks_lost", "Ticks that are lost for good", lambda: sum(gap.ticks for gap in spool.gaps)),
        ("spool_bytes", "Bytes that wait for the server", lambda: spool.bytes),
        ("orders_searched", "Orders whose fate is being looked for", lambda: len(desk.searching)),
        ("terminal_restarts", "How often the terminal process was started again", lambda: terminal.restarts),
        ("clock_ahead_ms", "How far this PC's clock is ahead of the server's", lambda: _ahead(app, server_clock)),
        ("history_changes", "How often the terminal's history was not the one that was read", lambda: reader.gaps),
    ):
        Gauge(name, text, registry=app.metrics).set_function(value)


def _ahead(app: App, server_clock: ServerClock) -> float:
    """NaN while the server's clock was not heard."""
    measured = server_clock.skew_ms(app.clock.now_ms(), app.clock.boot_ns())
    return math.nan if measured is None else float(measured[0])
