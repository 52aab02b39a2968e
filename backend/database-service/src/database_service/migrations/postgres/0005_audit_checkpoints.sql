-- Signed statements about how long each audit chain was and what it held: the store's copy. Witnesses keep their own.
create table audit_checkpoints (
    tenant text not null,
    size bigint not null,
    at_ms bigint not null,
    note text not null,
    primary key (tenant, size)
);

create trigger audit_checkpoints_append_only before update or delete or truncate on audit_checkpoints
    for each statement execute function audit_is_append_only();
