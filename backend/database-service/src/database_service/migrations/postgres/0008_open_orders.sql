-- A partially filled order is final: its rest was dead when the terminal answered.
drop index orders_open;
create index orders_open on orders (created_ms desc, id desc)
    where state not in ('CANCELED', 'DENIED', 'EXPIRED', 'FILLED', 'PARTIALLY_FILLED', 'REJECTED');

-- The newest signal of each account, from which an engine that starts goes on numbering.
create index outbox_newest on outbox (tenant, account, position desc);
