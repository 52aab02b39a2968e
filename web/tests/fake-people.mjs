// The people's part of the fake gateway: second factors, sessions, API keys and users, invented.
const DAY = 86_400_000;
export const CODE = "123456";

/** `state.factor` asks for a second factor when signing in; `state.doubt` asks for a fresh proof once. */
export function makePeople(state) {
  const now = Date.now();
  const me = { name: "operator", tenant: "default", role: "admin", totp: false, passkeys: [], recovery_left: 0, mfa_required: false, passkeys_possible: true, password_changed_ms: now - 40 * DAY };
  const session = (id, kind, agent, peer, current) => ({ id, user_id: "u1", kind, created_ms: now - DAY, seen_ms: now - 5_000, peer, agent, amr: current ? ["pwd", "otp", "mfa"] : ["pwd"], current });
  let sessions = [
    session("s1", "browser", "Firefox 150 on Linux", "127.0.0.1", true),
    session("s2", "browser", "Chrome 156 on Windows", "203.0.113.20", false),
    session("s3", "program", "report-exporter/1.2", "198.51.100.7", false),
  ];
  let keys = [{ id: "k1", name: "nightly report", scopes: ["read"], cidrs: ["198.51.100.0/24"], created_ms: now - 9 * DAY, expires_ms: now + 81 * DAY, used_ms: now - 3_600_000, owner: "operator" }];
  const users = [
    { id: "u1", name: "operator", role: "admin", disabled: false, created_ms: now - 90 * DAY, totp: true, passkeys: 1 },
    { id: "u2", name: "ann", role: "trader", disabled: false, created_ms: now - 30 * DAY, totp: false, passkeys: 0 },
    { id: "u3", name: "riva", role: "risk_manager", disabled: true, created_ms: now - 3 * DAY, totp: false, passkeys: 2 },
  ];
  const limits = {
    limits: [
      { account: "", max_volume: "2", max_orders_per_minute: 20, allowed_symbols: [], version: 1, changed_ms: now - 20 * DAY, changed_by: "operator" },
      { account: "1000001", max_volume: "0.5", max_orders_per_minute: null, allowed_symbols: ["EURUSD", "XAUUSD"], version: 3, changed_ms: now - 2 * DAY, changed_by: "ann and riva" },
    ],
    proposals: [
      { id: "p2", account: "1000001", max_volume: "1", max_orders_per_minute: null, allowed_symbols: ["EURUSD", "XAUUSD"], because: "more room for the London session", state: "waiting", proposed_by: "ann", proposed_ms: now - 3_600_000, expires_ms: now + 23 * 3_600_000, decided_by: "", decided_ms: 0, own: false },
      { id: "p1", account: "", max_volume: "5", max_orders_per_minute: 20, allowed_symbols: [], because: "year end", state: "rejected", proposed_by: "operator", proposed_ms: now - 9 * DAY, expires_ms: now - 8 * DAY, decided_by: "riva", decided_ms: now - 8.5 * DAY, own: true },
    ],
    server_ms: now,
  };
  const rules = { mfa_required: false };
  const challenge = { code: "second_factor_needed", reason: "Type the code of your authenticator app, or use a passkey.", error_id: "", challenge: "c1", methods: ["totp", "passkey", "recovery"], passkey_options: "{}" };
  const cells = Array.from({ length: 21 * 21 }, (_, i) => ((i * 7919) % 13 < 6 ? `<path d="M${i % 21} ${Math.floor(i / 21)}h1v1h-1z"/>` : "")).join("");
  const codes = Array.from({ length: 10 }, (_, i) => `${(i * 7 + 11).toString(36)}4k2-9x${i}m-q7tz`);
  const none = { status: 204 };

  const reads = {
    "/api/v1/me": () => me,
    "/api/v1/sessions": () => ({ sessions }),
    "/api/v1/api-keys": () => ({ keys }),
    "/api/v1/users": () => ({ users }),
    "/api/v1/people-rules": () => rules,
    "/api/v1/limits": () => limits,
  };

  const changes = {
    "POST /api/v1/session/challenge": () => ({ status: 200, body: challenge }),
    "POST /api/v1/me/totp": () => ({ status: 200, body: { challenge: "t1", secret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", uri: "otpauth://totp/x", qr_svg: `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 21 21">${cells}</svg>` } }),
    "PUT /api/v1/me/totp": (body) => {
      if (body.totp !== CODE) return { status: 403, body: { code: "wrong_code", reason: "This is not the code of this moment. Check the clock of your phone.", error_id: "" } };
      Object.assign(me, { totp: true, recovery_left: 10 });
      return { status: 200, body: { recovery_codes: codes } };
    },
    "DELETE /api/v1/me/totp": () => {
      me.totp = false;
      return none;
    },
    "POST /api/v1/me/recovery-codes": () => ({ status: 200, body: { recovery_codes: codes } }),
    "POST /api/v1/me/password": () => none,
    "DELETE /api/v1/sessions": () => {
      sessions = sessions.filter((each) => each.current);
      return none;
    },
    "POST /api/v1/api-keys": (body) => {
      const view = { id: `k${keys.length + 1}`, ...body, created_ms: now, expires_ms: now + body.days * DAY, used_ms: 0, owner: "operator" };
      keys = [...keys, view];
      return { status: 201, body: { key: "ak_k2_5Yt0Zk1mPq7sVx3uBn8eRw4yLc6hJd2fGa9iOx0", view } };
    },
    "POST /api/v1/users": (body) => {
      users.push({ id: `u${users.length + 1}`, ...body, disabled: false, created_ms: now, totp: false, passkeys: 0 });
      return { status: 201, body: users.at(-1) };
    },
    "PUT /api/v1/people-rules": (body) => ({ status: 200, body: Object.assign(rules, body) }),
  };

  /** The answer to a change of people's things; undefined when the path is not one of theirs. */
  function change(route, body) {
    if (state.doubt && route === "POST /api/v1/commands") return { status: 403, body: { code: "step_up_needed", reason: "Confirm that it is you.", error_id: "" } };
    if (changes[route]) return changes[route](body);
    const [, proposal, word] = /^POST \/api\/v1\/limits\/(\w+)\/(approve|reject)$/.exec(route) ?? [];
    if (proposal) {
      const decided = Object.assign(limits.proposals.find((each) => each.id === proposal), { state: word === "approve" ? "applied" : "rejected", decided_by: "operator", decided_ms: now });
      return { status: 200, body: decided };
    }
    const [, one, id] = /^DELETE \/api\/v1\/(sessions|api-keys)\/(\w+)$/.exec(route) ?? [];
    if (one === "sessions") sessions = sessions.filter((each) => each.id !== id);
    if (one === "api-keys") keys = keys.filter((each) => each.id !== id);
    const [, user] = /^PATCH \/api\/v1\/users\/(\w+)$/.exec(route) ?? [];
    if (user) Object.assign(users.find((each) => each.id === user), Object.fromEntries(Object.entries(body).filter(([name, value]) => value !== null && name !== "reset_second_factor")));
    return one || user ? none : undefined;
  }

  return { challenge, reads, change, proved: (body) => body.totp === CODE };
}
