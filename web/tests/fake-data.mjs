// Invented accounts, orders and prices for tests and screenshots; nothing of this reaches a real build.

const START = Date.now();
export const DIGITS = { EURUSD: 5, GBPUSD: 5, USDJPY: 3, USDCHF: 5, AUDUSD: 5, XAUUSD: 2, XAGUSD: 3, US30: 1, US500: 1, BTCUSD: 2, GER40: 1, USOIL: 2 };
const PRICES = { EURUSD: 1.08412, GBPUSD: 1.27103, USDJPY: 151.274, USDCHF: 0.88231, AUDUSD: 0.65318, XAUUSD: 2652.14, XAGUSD: 30.871, US30: 42871.4, US500: 5893.2, BTCUSD: 96412.55, GER40: 19342.8, USOIL: 71.12 };
const NAMES = { EURUSD: "Euro vs US Dollar", GBPUSD: "Great Britain Pound vs US Dollar", XAUUSD: "Gold vs US Dollar" };
export const ACCOUNT = "5001234";
/** No tick ever follows the snapshot of these: they show what a silent feed looks like. */
export const SILENT = new Set(["GER40", "USOIL"]);

const round = (value, digits) => Number(value.toFixed(digits));

export function makeSymbols() {
  return Object.entries(PRICES).map(([symbol, bid]) => {
    const point = 10 ** -DIGITS[symbol];
    const silent = SILENT.has(symbol) ? 47_000 : 0;
    return {
      account: ACCOUNT, symbol, description: NAMES[symbol] ?? symbol, digits: DIGITS[symbol], point, bid,
      ask: round(bid + 12 * point, DIGITS[symbol]), time_msc: START - silent, received_ms: START - silent, ticks: 1, source: "simulated",
      volume_min: "0.01", volume_max: symbol === "BTCUSD" ? "5" : "100", volume_step: "0.01",
    };
  });
}

/** Move a symbol's price by a few points. */
export function move(view) {
  const step = Math.round((Math.random() - 0.5) * 9) * view.point;
  view.bid = round(view.bid + step, view.digits);
  view.ask = round(view.bid + (8 + Math.floor(Math.random() * 9)) * view.point, view.digits);
  view.time_msc = view.received_ms = Date.now();
  view.ticks += 1;
}

export function makeBars(view, frameMs, toMs, limit) {
  const bars = [];
  const until = Math.min(toMs ?? Date.now(), Date.now());
  let close = view.bid;
  const waveAt = (at) => Math.sin(at / frameMs / 9) + Math.sin(at / frameMs / 31) * 2 + Math.sin((at / frameMs) * 1.7) * 0.4;
  const nowWave = waveAt(Date.now());
  for (let at = Math.floor(until / frameMs) * frameMs; bars.length < Math.min(limit, 500); at -= frameMs) {
    const open = round(view.bid + (waveAt(at) - nowWave) * 14 * view.point, view.digits);
    const top = Math.max(open, close) + 5 * view.point;
    const bottom = Math.min(open, close) - 5 * view.point;
    bars.unshift({ time_ms: at, open, high: round(top, view.digits), low: round(bottom, view.digits), close, tick_volume: 120 });
    close = open;
  }
  return bars;
}

const position = (ticket, symbol, side, volume, price_open, profit) => ({
  ticket, symbol, side, volume, price_open, price_current: price_open, profit, swap: "-0.42", time_ms: START - 5_400_000, magic: 77, comment: "s-4f21", sl: 0, tp: 0,
});

export function makeAccounts() {
  const first = {
    account: ACCOUNT, server: "Example-Demo", company: "Example Markets Ltd", currency: "USD", margin_mode: "hedging", leverage: 100,
    balance: "10000.00", equity: "10041.37", margin: "214.18", margin_free: "9827.19", profit: "41.37", source: "simulated", connected: true,
    trade_allowed: true, trade_blocked_because: "", taken_ms: Date.now(),
    positions: [
      position(90211873, "EURUSD", "BUY", "0.10", 1.08377, "35.00"),
      position(90211921, "XAUUSD", "SELL", "0.02", 2649.3, "-5.68"),
      position(90212004, "USDJPY", "BUY", "0.05", 151.24, "12.05"),
    ],
    ticks_refused: { backwards: 3, not_positive: 1, duplicate: 128, crossed: 0 }, tick_gaps: [],
  };
  const second = {
    ...first, account: "7700021", server: "Example-Replay", currency: "EUR", margin_mode: "netting", leverage: 30, balance: "250000.00",
    equity: "250000.00", margin: "0.00", margin_free: "250000.00", profit: "0.00", source: "replay", connected: false,
    trade_allowed: false, trade_blocked_because: "the terminal does not reach its broker", positions: [], ticks_refused: {}, tick_gaps: [],
  };
  return [first, second];
}

const order = (id, symbol, side, state, extra = {}) => ({
  id, account: ACCOUNT, strategy: "breakout", symbol, side, volume: "0.10", filled_volume: "0", price: 0, state, reason: "", ticket: 0, deal: 0, position: 0,
  created_ms: START - 60_000, updated_ms: START - 59_000, ...extra,
});

export function makeOrders() {
  return [
    order("01JD8Z7M3A", "EURUSD", "BUY", "FILLED", { filled_volume: "0.10", price: 1.08377, ticket: 90211873, deal: 81100412, position: 90211873 }),
    order("01JD8Z9Q4K", "GBPUSD", "SELL", "DENIED", { reason: "volume 5.00 is above the account's limit of 1.00 lots", volume: "5.00", created_ms: START - 40_000 }),
    order("01JD8ZAC7P", "XAUUSD", "SELL", "UNKNOWN", { reason: "the terminal gave no answer in time; positions, orders and deals are being searched", created_ms: START - 9_000 }),
    order("01JD8ZAD1T", "US30", "BUY", "SUBMITTED", { created_ms: START - 2_000 }),
  ];
}

export function makeExecutions() {
  return [{
    number: 41, account: ACCOUNT, order_id: "01JD8Z7M3A", signal_id: "s-4f21", state: "FILLED", code: "done", reason: "", symbol: "EURUSD", side: "BUY",
    filled_volume: "0.10", price: 1.08377, ticket: 90211873, deal: 81100412, received_ms: START - 59_400, sent_ms: START - 59_396, answered_ms: START - 59_311,
  }];
}

const probe = (name, health, detail) => ({ name, health, detail, probed_ms: Date.now() - 700 });
const service = (name, port, dependencies, extra = {}) => ({
  service: name, state: "running", ready: true, pid: 21_000 + port, port, version: "0.1.0", restarts: 0, started_ms: START - 3_600_000,
  heartbeat_age_ms: 900 + Math.floor(Math.random() * 900), dependencies, kind: "service", ...extra,
});
const engine = (name, port, detail) => service(name, port, [probe(name, "ok", detail)], { kind: "engine", heartbeat_age_ms: -1, version: "", started_ms: 0 });

export function makeServices(hubReachable) {
  const services = [
    service("api-gateway", 8000, [probe("bus", "ok", "round trip 0.4 ms"), probe("database-service", "ok", "answered in 3 ms")]),
    service("data-bridge", 8001, [probe("bus", "ok", "round trip 0.5 ms"), probe("terminals", "ok", "1 of 2 connected")]),
    service("trading-engine", 8007, [probe("bus", "ok", "round trip 0.4 ms"), probe("database-service", "failed", "no answer within 2 s, 3 times in a row")], { ready: false, restarts: 2 }),
    service("database-service", 8008, [probe("postgresql", "ok", "select 1 in 0.8 ms"), probe("clickhouse", "ok", "select 1 in 2.1 ms")]),
    service("central-hub", 8010, [], hubReachable ? {} : { ready: false, state: "silent", heartbeat_age_ms: -1, pid: 0, started_ms: 0, version: "" }),
  ];
  // engines are the hub's knowledge
  if (hubReachable) services.unshift(engine("nats", 4222, "JetStream is on"), engine("postgresql", 5432, "takes connections"));
  return { services, hub_reachable: hubReachable, server_ms: Date.now() };
}
