-- People.
create table users (
    id text primary key,
    tenant text not null,
    name text not null unique,
    role text not null,
    password_hash text not null,
    disabled boolean not null,
    created_ms bigint not null
);

-- The newest state of each account; the whole picture is in `state`.
create table accounts (
    tenant text not null,
    account text not null,
    taken_ms bigint not null,
    currency text not null,
    balance numeric not null,
    equity numeric not null,
    margin numeric not null,
    margin_free numeric not null,
    profit numeric not null,
    state jsonb not null,
    primary key (tenant, account)
);

create table instruments (
    tenant text not null,
    account text not null,
    symbol text not null,
    description text not null,
    digits integer not null,
    point double precision not null,
    contract_size numeric not null,
    volume_min numeric not null,
    volume_max numeric not null,
    volume_step numeric not null,
    currency_base text not null,
    currency_profit text not null,
    stops_level_points integer not null,
    primary key (tenant, account, symbol)
);

create table orders (
    id text primary key,
    tenant text not null,
    account text not null,
    strategy text not null,
    symbol text not null,
    side text not null,
    volume numeric not null,
    state text not null,
    reason text not null,
    created_ms bigint not null,
    updated_ms bigint not null,
    position bigint not null,
    filled_volume numeric not null,
    price double precision not null,
    ticket bigint not null,
    deal bigint not null,
    tick_seq bigint not null,
    correlation_id text not null
);
create index orders_by_tenant on orders (tenant, created_ms desc, id desc);
create index orders_open on orders (created_ms desc, id desc)
    where state not in ('DENIED', 'FILLED', 'CANCELED', 'EXPIRED', 'REJECTED');

-- Signals, kept until their execution is in.
create table outbox (
    signal_id text primary key,
    tenant text not null,
    account text not null,
    expires_ms bigint not null,
    key_id text not null,
    payload bytea not null,
    signature bytea not null,
    position bigint generated always as identity,
    answered_state text
);
create index outbox_unanswered on outbox (position) where answered_state is null;
create index outbox_by_tenant on outbox (tenant, account);

create table executions (
    tenant text not null,
    account text not null,
    epoch bigint not null,
    number bigint not null,
    signal_id text not null,
    order_id text not null,
    state text not null,
    code text not null,
    reason text not null,
    symbol text not null,
    side text not null,
    volume numeric not null,
    filled_volume numeric not null,
    price double precision not null,
    retcode bigint not null,
    ticket bigint not null,
    deal bigint not null,
    position bigint not null,
    received_ms bigint not null,
    verified_ms bigint not null,
    journaled_ms bigint not null,
    sent_ms bigint not null,
    answered_ms bigint not null,
    tick_time_msc bigint not null,
    decision_to_send_us bigint not null,
    correlation_id text not null,
    primary key (tenant, account, epoch, number)
);
create index executions_by_signal on executions (signal_id);
create index executions_by_tenant on executions (tenant, received_ms desc, epoch desc, number desc);

-- Executions 1..contiguous of an epoch are stored; only then may the connector's journal forget them.
create table execution_marks (
    tenant text not null,
    account text not null,
    epoch bigint not null,
    contiguous bigint not null,
    primary key (tenant, account, epoch)
);

create table commands (
    id text not null,
    tenant text not null,
    given_by text not null,
    given_ms bigint not null,
    body jsonb not null,
    correlation_id text not null,
    primary key (tenant, id)
);

-- Append only, and each record of a tenant is chained to the one before it, so that a change shows.
create table audit (
    id text not null,
    tenant text not null,
    position bigint not null,
    at_ms bigint not null,
    service text not null,
    kind text not null,
    subject text not null,
    detail jsonb not null,
    correlation_id text not null,
    previous bytea not null,
    hash bytea not null,
    primary key (tenant, id),
    unique (tenant, position)
);
create index audit_by_subject on audit (tenant, subject);

create table audit_heads (
    tenant text primary key,
    position bigint not null,
    hash bytea not null
);

create function audit_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'audit records are never changed or removed';
end $$;

create trigger audit_append_only before update or delete or truncate on audit
    for each statement execute function audit_is_append_only();
