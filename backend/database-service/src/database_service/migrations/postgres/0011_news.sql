-- What terminals' PCs collected, each version for itself: nothing is changed in place, so that a strategy can be shown
-- what was known at a moment. Columns follow the fields of contracts.news.
create table news_items (
    tenant text not null,
    terminal text not null,
    received_ms bigint not null,
    key text not null,
    source text not null,
    title text not null,
    published_ms bigint not null,
    first_seen_ms bigint not null,
    version bigint not null,
    link text not null,
    summary text not null,
    category text not null,
    primary key (tenant, terminal, key, first_seen_ms)
);
create index news_items_by_time on news_items
    (tenant, (case when published_ms > 0 then published_ms else first_seen_ms end) desc);
create table calendar_events (
    tenant text not null,
    terminal text not null,
    received_ms bigint not null,
    key text not null,
    source text not null,
    title text not null,
    at_ms bigint not null,
    first_seen_ms bigint not null,
    version bigint not null,
    clock text not null,
    currency text not null,
    impact text not null,
    actual text not null,
    forecast text not null,
    previous text not null,
    revised text not null,
    link text not null,
    primary key (tenant, terminal, key, first_seen_ms)
);
create index calendar_events_by_time on calendar_events (tenant, at_ms);
create index calendar_events_by_key on calendar_events (tenant, key, first_seen_ms);

do $$
declare
    name text;
begin
    foreach name in array array['news_items', 'calendar_events'] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format('create policy of_tenant on %I using (tenant_in_scope(tenant)) with check (tenant_in_scope(tenant))', name);
    end loop;
    if exists (select from pg_roles where rolname = 'aitrading_app') then
        -- what was known stays as it was known
        revoke update on news_items, calendar_events from aitrading_app;
    end if;
end
$$;
