-- When the connector received the tick that caused an order: the beginning of tick-to-order.
alter table orders add column tick_received_ms bigint not null default 0;
