// Every service with its state, its probes and the age of its last sign of life.
"use client";
import type { DependencyHealth, ServicesView, ServiceView } from "@web/contracts";
import { type Column, DataTable } from "@web/components/data-table.tsx";
import { age, ticket, UNKNOWN, utc, words } from "@web/components/format.ts";
import { type Polled, useNow, usePolled } from "../../shared/polled.ts";

const SILENT_AFTER_MS = 6_000;

/** How old the heartbeat is now: its age when asked, and the time since. Undefined when none was ever heard. */
export function heartbeatAge(service: ServiceView, sinceAnswerMs: number): number | undefined {
  return service.heartbeat_age_ms < 0 ? undefined : service.heartbeat_age_ms + Math.max(0, sinceAnswerMs);
}

function NoHeartbeat() {
  const why = "engines are probed by the hub";
  return (
    <span className="dim" title={why}>
      <span aria-hidden="true">{UNKNOWN}</span>
      <span className="visually-hidden">none: {why}</span>
    </span>
  );
}

function HeartbeatAge({ service, at }: { readonly service: ServiceView; readonly at: number }) {
  const now = useNow();
  const ms = heartbeatAge(service, now - at);
  return <span className={ms === undefined || ms > SILENT_AFTER_MS ? "down" : ""}>{ms === undefined ? "never heard" : age(ms)}</span>;
}

function ProbeAge({ probe, serverMs, at }: { readonly probe: DependencyHealth; readonly serverMs: number; readonly at: number }) {
  const now = useNow();
  const ms = probe.probed_ms > 0 ? serverMs - probe.probed_ms + Math.max(0, now - at) : undefined;
  return <span className="dim">{ms === undefined ? "never probed" : `${age(ms)} ago`}</span>;
}

function Probes({ service, polled }: { readonly service: ServiceView; readonly polled: Polled<ServicesView> }) {
  if (service.dependencies.length === 0) return <span className="dim">none</span>;
  return (
    <ul className="probes">
      {service.dependencies.map((probe) => (
        <li key={probe.name}>
          <span className={`state ${probe.health === "ok" ? "good" : "bad"}`}>
            {probe.name}: {words(probe.health)}
          </span>
          <span>{probe.detail}</span>
          <ProbeAge probe={probe} serverMs={polled.value?.server_ms ?? 0} at={polled.at} />
        </li>
      ))}
    </ul>
  );
}

function columnsOf(polled: Polled<ServicesView>): readonly Column<ServiceView>[] {
  return [
    { title: "Service", cell: (row) => <strong>{row.service}</strong> },
    { title: "State", cell: (row) => words(row.state) },
    { title: "Ready", cell: (row) => <span className={`tag ${row.ready ? "good" : "bad"}`}>{row.ready ? "ready" : "not ready"}</span> },
    { title: "Heartbeat", number: true, cell: (row) => (row.kind === "engine" ? <NoHeartbeat /> : <HeartbeatAge service={row} at={polled.at} />) },
    { title: "Probes", cell: (row) => <Probes service={row} polled={polled} /> },
    { title: "Restarts", number: true, cell: (row) => row.restarts },
    { title: "Process", number: true, cell: (row) => ticket(row.pid) },
    { title: "Port", number: true, cell: (row) => ticket(row.port) },
    { title: "Version", cell: (row) => row.version || UNKNOWN },
    { title: "Started", cell: (row) => utc(row.started_ms) },
  ];
}

function AnswerAge({ at }: { readonly at: number }) {
  const now = useNow();
  return <span className="dim push">{at === 0 ? "" : `answered ${age(Math.max(0, now - at))} ago`}</span>;
}

export function Services() {
  const polled = usePolled<ServicesView>("/api/v1/services");
  const view = polled.value;
  return (
    <section className="panel" aria-labelledby="services-title">
      <header>
        <h2 id="services-title">Services</h2>
        {view === undefined ? null : (
          <span className={`state ${view.hub_reachable ? "good" : "bad"}`}>
            {view.hub_reachable ? "hub reachable" : "hub unreachable: this list is from heartbeats alone"}
          </span>
        )}
        <AnswerAge at={polled.at} />
      </header>
      <DataTable
        caption="Services"
        columns={columnsOf(polled)}
        rows={view?.services}
        stacked
        rowKey={(row) => `${row.service} ${row.port} ${row.pid}`}
        empty="No service was heard yet."
        problem={polled.problem}
      />
    </section>
  );
}
