-- Second factors, and since when tokens of a person are good.
alter table users add column totp_secret bytea not null default '';
alter table users add column totp_last_counter bigint not null default 0;
alter table users add column not_before_ms bigint not null default 0;
alter table users add column password_changed_ms bigint not null default 0;
create index users_by_tenant on users (tenant, name);

create table recovery_codes (
    tenant text not null,
    user_id text not null references users (id) on delete cascade,
    hash bytea not null,
    primary key (user_id, hash)
);

create table passkeys (
    id text primary key,
    tenant text not null,
    user_id text not null references users (id) on delete cascade,
    name text not null,
    public_key bytea not null,
    sign_count bigint not null,
    transports text not null,
    created_ms bigint not null,
    used_ms bigint not null
);
create index passkeys_by_user on passkeys (user_id);

create table sessions (
    id text primary key,
    tenant text not null,
    user_id text not null references users (id) on delete cascade,
    kind text not null,
    created_ms bigint not null,
    seen_ms bigint not null,
    peer text not null,
    agent text not null,
    amr text not null,
    auth_ms bigint not null,
    refresh_hash bytea not null,
    thumbprint text not null,
    ended_ms bigint not null,
    ended_because text not null
);
create index sessions_living on sessions (tenant, user_id, created_ms desc) where ended_ms = 0;
create index sessions_ended on sessions (ended_ms) where ended_ms > 0;

-- Refresh tokens that were used: whoever presents one has a copy.
create table spent_refresh_tokens (
    hash bytea primary key,
    tenant text not null,
    session_id text not null references sessions (id) on delete cascade,
    spent_ms bigint not null
);
create index spent_refresh_tokens_by_session on spent_refresh_tokens (session_id);

create table api_keys (
    id text primary key,
    tenant text not null,
    user_id text not null references users (id) on delete cascade,
    name text not null,
    hash bytea not null unique,
    scopes text not null,
    cidrs text not null,
    created_ms bigint not null,
    expires_ms bigint not null,
    used_ms bigint not null,
    revoked_ms bigint not null
);
create index api_keys_by_tenant on api_keys (tenant, created_ms desc) where revoked_ms = 0;

-- A tenant's rules for its people; a tenant without a row has the defaults.
create table people_rules (
    tenant text primary key,
    mfa_required boolean not null
);
