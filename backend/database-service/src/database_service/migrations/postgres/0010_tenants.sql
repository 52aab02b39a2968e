-- Tenants, with everybody who was here before; `default` exists from the first start.
create table tenants (
    tenant text primary key,
    display_name text not null,
    state text not null check (state in ('active', 'suspended')),
    plan text not null,
    created_ms bigint not null,
    suspended_because text not null
);
insert into tenants
select tenant, tenant, 'active', 'unlimited', (extract(epoch from now()) * 1000)::bigint, ''
from (select 'default' as tenant union select tenant from users union select tenant from accounts) as known;

-- Risk limits that people set below the operator's, and the proposals that change them. One approves what another
-- proposed: the check is here as well, whatever the program thinks.
create table risk_limits (
    tenant text not null,
    account text not null,
    max_volume numeric,
    max_orders_per_minute bigint,
    allowed_symbols text[] not null,
    version bigint not null,
    changed_ms bigint not null,
    changed_by text not null,
    primary key (tenant, account)
);
create table limit_proposals (
    id text primary key,
    tenant text not null,
    account text not null,
    max_volume numeric,
    max_orders_per_minute bigint,
    allowed_symbols text[] not null,
    based_on bigint not null,
    because text not null,
    state text not null check (state in ('waiting', 'applied', 'rejected', 'expired')),
    proposed_by text not null,
    proposed_name text not null,
    proposed_ms bigint not null,
    expires_ms bigint not null,
    decided_by text not null,
    decided_name text not null,
    decided_ms bigint not null,
    raises boolean not null,
    constraint four_eyes check (not (raises and state = 'applied' and decided_by in ('', proposed_by)))
);
create index limit_proposals_by_tenant on limit_proposals (tenant, proposed_ms desc);
create index limit_proposals_waiting on limit_proposals (tenant, expires_ms) where state = 'waiting';

-- Signals of a day are counted by when they end, seconds after they were made.
create index outbox_by_time on outbox (tenant, expires_ms);

-- What one run of a service counted on a day: told again it only grows, so nothing is counted twice.
create table usage_counts (
    tenant text not null,
    day integer not null,
    measure text not null,
    source text not null,
    amount bigint not null,
    primary key (tenant, day, measure, source)
);

do $$
declare
    name text;
begin
    foreach name in array array['tenants', 'risk_limits', 'limit_proposals', 'usage_counts'] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format('create policy of_tenant on %I using (tenant_in_scope(tenant)) with check (tenant_in_scope(tenant))', name);
    end loop;
end
$$;
