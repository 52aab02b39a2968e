-- The running service is another role than the one that owns the schema: it reads and writes rows and makes nothing.
-- Where a deployment has no such role (one role does everything), there is nothing to grant.
do $$
begin
    if exists (select from pg_roles where rolname = 'aitrading_app') then
        grant usage on schema public to aitrading_app;
        grant select, insert, update, delete on all tables in schema public to aitrading_app;
        grant usage, select on all sequences in schema public to aitrading_app;
        alter default privileges in schema public grant select, insert, update, delete on tables to aitrading_app;
        alter default privileges in schema public grant usage, select on sequences to aitrading_app;
        -- what was recorded stays as it was recorded
        revoke update, delete, truncate on audit, audit_checkpoints from aitrading_app;
        revoke all on migrations from aitrading_app;
    end if;
end
$$;
