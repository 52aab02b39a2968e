// A gateway for tests and screenshots: serves web/dist under its policies, with an invented API and stream.
import { readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { ACCOUNT, makeAccounts, makeBars, makeExecutions, makeOrders, makeServices, makeSymbols, move, SILENT } from "./fake-data.mjs";
import { makePeople } from "./fake-people.mjs";
import { accept } from "./fake-socket.mjs";

const DIST = path.join(import.meta.dirname, "..", "dist");
const FRAMES = { M1: 60_000, M5: 300_000, M15: 900_000, M30: 1_800_000, H1: 3_600_000, H4: 14_400_000, D1: 86_400_000 };
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".txt": "text/plain; charset=utf-8", ".webmanifest": "application/manifest+json", ".ico": "image/x-icon" };
export const USER = { name: "operator", password: "correct horse battery" };

const problem = (status, code, reason) => ({ status, body: { code, reason, error_id: "" } });

function file(url, response) {
  if (url.pathname === "/admin") return void response.writeHead(308, { Location: "/admin/" }).end();
  const policies = JSON.parse(readFileSync(path.join(DIST, "csp.json"), "utf8"));
  let name = path.posix.normalize(decodeURIComponent(url.pathname));
  if (name.endsWith("/")) name += "index.html";
  let status = 200;
  if (name === "/csp.json" || !statSync(path.join(DIST, name), { throwIfNoEntry: false })?.isFile()) {
    [name, status] = [name.startsWith("/admin/") ? "/admin/404.html" : "/404.html", 404];
  }
  const fixed = name.includes("/_next/static/");
  response.writeHead(status, {
    "Content-Type": TYPES[path.extname(name)] ?? "application/octet-stream",
    "Content-Security-Policy": policies[name] ?? policies["*"],
    "Cache-Control": fixed ? "public, max-age=31536000, immutable" : "no-cache",
    "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
  });
  return void response.end(readFileSync(path.join(DIST, name)));
}

/** One gateway's world. `state` may be changed by a test while it runs; `share` is how many symbols tick in each frame. */
export function makeGateway({ symbols = makeSymbols(), share = 0.12, tick = move } = {}) {
  const accounts = makeAccounts();
  const orders = makeOrders();
  const executions = makeExecutions();
  const streams = new Set();
  const commands = new Map();
  const state = { bus: true, hub: true, setupNeeded: false, role: "admin", streamOpen: true, silent: false, paused: false, factor: false };
  const people = makePeople(state);
  let token = "";
  /** Renewed tokens stay good until they expire, as at the real gateway. */
  const good = new Set();

  const session = () => ({ name: USER.name, tenant: "default", role: state.role, expires_ms: Date.now() + 900_000, csrf: `csrf-${token}`, id: "s1", user_id: "u1", amr: ["pwd"], auth_ms: Date.now(), second_factor_due: false });
  const broadcast = (message) => {
    for (const stream of streams) stream.say(message);
  };

  const beat = () => broadcast({ k: "h", now: Date.now(), bus: state.bus, paused: state.paused });

  function command(body, key) {
    if (!key) return problem(400, "no_key", "Send an Idempotency-Key.");
    if (!commands.has(key)) {
      const id = `01JD${String(commands.size + 1).padStart(6, "0")}`;
      commands.set(key, { id, body });
      if (body.kind !== "place_order") {
        state.paused = body.kind === "pause";
        beat();
      } else {
        const at = Date.now();
        const made = { ...orders[0], ...body.order, id, strategy: "", filled_volume: "0", price: 0, state: "SUBMITTED", ticket: 0, deal: 0, created_ms: at, updated_ms: at };
        orders.unshift(made);
        broadcast({ k: "o", order: made });
      }
    }
    return { status: 202, body: { id: commands.get(key).id } };
  }

  const reads = {
    "/api/v1/session": () => session(),
    "/api/v1/symbols": () => ({ symbols, server_ms: Date.now() }),
    "/api/v1/accounts": () => ({ accounts, server_ms: Date.now() }),
    "/api/v1/positions": () => ({ positions: accounts.flatMap((each) => each.positions.map((position) => ({ account: each.account, position }))) }),
    "/api/v1/orders": () => ({ orders }),
    "/api/v1/executions": () => ({ executions }),
    "/api/v1/services": () => makeServices(state.hub),
    "/api/v1/bars": (query) => {
      const view = symbols.find((each) => each.symbol === query.get("symbol"));
      const to = query.has("to_ms") ? Number(query.get("to_ms")) : undefined;
      return { symbol: view.symbol, timeframe: query.get("timeframe"), bars: makeBars(view, FRAMES[query.get("timeframe")], to, Number(query.get("limit"))) };
    },
  };

  function api(request, url, body) {
    const signedIn = [...good].some((each) => request.headers.cookie?.includes(`aitrading=${each}`));
    const enter = (status) => {
      token = Math.random().toString(36).slice(2);
      good.add(token);
      return { status, body: session(), cookie: `aitrading=${token}; HttpOnly; SameSite=Strict; Path=/` };
    };
    const route = `${request.method} ${url.pathname}`;
    if (route === "GET /api/v1/setup") return { status: 200, body: { needed: state.setupNeeded } };
    if (route === "POST /api/v1/setup") return body.code === "test-code" ? enter(201) : problem(403, "wrong_code", "This code is not the one that was printed.");
    if (route === "POST /api/v1/session") {
      const right = body.name === USER.name && body.password === USER.password;
      if (right && state.factor) return { status: 401, body: people.challenge };
      return right ? enter(200) : problem(401, "wrong_credentials", "The name or the password is wrong.");
    }
    if (route === "POST /api/v1/session/second-factor") return people.proved(body) ? enter(200) : problem(401, "wrong_code", "The code is wrong or was used before. Wait for the next one.");
    if (!signedIn) return problem(401, "not_signed_in", "Sign in first.");
    if (request.method === "GET" && people.reads[url.pathname]) return { status: 200, body: people.reads[url.pathname]() };
    if (request.method === "GET") return reads[url.pathname] ? { status: 200, body: reads[url.pathname](url.searchParams) } : problem(404, "not_found", "There is no such path.");
    if (request.headers["x-csrf-token"] !== `csrf-${token}`) return problem(403, "csrf", "The CSRF token is missing or old.");
    if (route === "POST /api/v1/session/renew") return enter(200);
    if (route === "POST /api/v1/stream-ticket") return { status: 201, body: { ticket: "once", expires_ms: Date.now() + 30_000 } };
    if (route === "POST /api/v1/session/step-up" && people.proved(body)) {
      state.doubt = false;
      return enter(200);
    }
    const changed = people.change(route, body);
    if (changed !== undefined) return changed;
    if (route === "POST /api/v1/commands") return command(body, request.headers["idempotency-key"]);
    if (route === "DELETE /api/v1/session") {
      token = "";
      good.clear();
      return { status: 204, cookie: "aitrading=; Max-Age=0; Path=/" };
    }
    return problem(404, "not_found", "There is no such path.");
  }

  const server = createServer((request, response) => {
    const url = new URL(request.url, "http://localhost");
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
      if (url.pathname === "/csp-report") return void response.writeHead(204).end();
      if (!url.pathname.startsWith("/api/")) return file(url, response);
      const text = Buffer.concat(parts).toString();
      const answer = api(request, url, text === "" ? undefined : JSON.parse(text));
      response.writeHead(answer.status, { "Content-Type": "application/json", ...(answer.cookie ? { "Set-Cookie": answer.cookie } : {}) });
      return void response.end(answer.body === undefined ? "" : JSON.stringify(answer.body));
    });
  });

  server.on("upgrade", (request, socket) => {
    if (!state.streamOpen || token === "" || !request.headers.cookie?.includes(token)) return void socket.end("HTTP/1.1 401 Unauthorized\r\n\r\n");
    const stream = { q: 0, say: (message) => state.silent || peer.send(JSON.stringify({ ...message, q: (stream.q += 1) })), drop: () => peer.close() };
    const peer = accept(request, socket, () => streams.delete(stream));
    streams.add(stream);
    for (const account of accounts) stream.say({ k: "a", account });
  });

  const timers = [
    setInterval(() => {
      const moved = symbols.filter((view) => !SILENT.has(view.symbol) && Math.random() < share);
      for (const view of moved) tick(view);
      const rows = moved.map((view) => [ACCOUNT, view.symbol, view.time_msc, view.received_ms, view.bid, view.ask, 1, view.bid, view.bid]);
      if (rows.length > 0) broadcast({ k: "t", now: Date.now(), d: rows });
    }, 20),
    setInterval(beat, 1_000),
  ];

  return {
    state, streams, orders, commands,
    listen: (port) => new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve(`http://127.0.0.1:${server.address().port}`))),
    close: () => {
      timers.forEach(clearInterval);
      for (const stream of streams) stream.drop();
      server.closeAllConnections();
      server.close();
    },
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  console.log(await makeGateway().listen(Number(process.argv[2] ?? 8099)));
}
