-- Whoever works on a connection sees the rows of the tenants that it named, and no others: a question that forgets its
-- `where tenant =` finds nothing of anybody else. `app.tenants` holds names with commas between them; * stands for every
-- tenant; when it was never set there are no rows at all. Superusers pass by; the running service is none.
create function tenant_in_scope(asked text) returns boolean language sql stable parallel safe as $$
    select asked = any(string_to_array(current_setting('app.tenants', true), ','))
        or current_setting('app.tenants', true) = '*'
$$;

do $$
declare
    name text;
begin
    foreach name in array array[
        'users', 'accounts', 'instruments', 'orders', 'outbox', 'executions', 'execution_marks', 'commands', 'audit',
        'audit_heads', 'audit_checkpoints', 'recovery_codes', 'passkeys', 'sessions', 'spent_refresh_tokens',
        'api_keys', 'people_rules', 'terminal_leases'
    ] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format('create policy of_tenant on %I using (tenant_in_scope(tenant)) with check (tenant_in_scope(tenant))', name);
    end loop;
end
$$;
