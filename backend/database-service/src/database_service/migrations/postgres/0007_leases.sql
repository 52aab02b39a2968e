-- Which client of an account may trade it. One row per account; `fence` only rises.
create table terminal_leases (
    tenant text not null,
    account text not null,
    fence bigint not null,
    journal text not null,
    session text not null,
    terminal text not null,
    since_ms bigint not null,
    primary key (tenant, account)
);
