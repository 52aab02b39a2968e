// What keeping a session promises: renewed at half time, shared between tabs, and never pretended.
import { describe, expect, it } from "vitest";
import type { Session } from "@web/contracts";
import { type Ask, Refusal } from "../src/api.ts";
import { factorNeeded, renewInMs, SessionKeeper } from "../src/session-keeper.ts";
import { FakeTime, sessionView, settled } from "./fakes.ts";

const LIFE_MS = 900_000;
type Answer = (path: string, options: Ask) => unknown;

function made(answers: Record<string, Answer> = {}) {
  const time = new FakeTime();
  const asked: string[] = [];
  const told: string[] = [];
  const doubts = { proves: true };
  let serial = 0;
  const session = (): Session => {
    serial += 1;
    return { ...sessionView(), expires_ms: time.now + LIFE_MS, csrf: `csrf${serial}` };
  };
  const keeper = new SessionKeeper({
    ask: async <T>(path: string, options: Ask = {}): Promise<T> => {
      const route = `${options.method ?? "GET"} ${path.replace("/api/v1", "")}`;
      asked.push(options.csrf === undefined ? route : `${route} ${options.csrf}`);
      return (answers[route] ?? session)(path, options) as T;
    },
    now: () => time.now,
    later: time.later,
    tellOthers: () => told.push("changed"),
    proveAgain: async (needed) => {
      told.push(needed.challenge);
      return doubts.proves;
    },
  });
  return { time, asked, told, keeper, session, doubts };
}

const refuse = (status: number, code: string) => () => {
  throw new Refusal(status, code, "because");
};

describe("an answer that was overtaken", () => {
  it("signs nobody out who has signed in meanwhile, and nobody in who has left", async () => {
    let answer: (outcome: () => unknown) => void = () => undefined;
    const slow = () => new Promise((resolve, reject) => (answer = (outcome) => void Promise.resolve().then(outcome).then(resolve, reject)));
    const { keeper, session } = made({ "GET /session": slow, "DELETE /session": () => undefined });
    const first = keeper.check();
    await keeper.signIn({ name: "ann", password: "x" });
    answer(refuse(401, "not_signed_in"));
    await first;
    expect(keeper.state.kind).toBe("signed_in");
    const second = keeper.check();
    await keeper.signOut();
    answer(session);
    await second;
    expect(keeper.state.kind).toBe("signed_out");
  });
});

describe("renewal", () => {
  it("brings what a new second factor allows without waiting for half time", async () => {
    const { asked, keeper } = made();
    await keeper.check();
    await keeper.renew();
    expect(asked).toEqual(["GET /session", "POST /session/renew csrf1"]);
  });

  it("comes at half of the time that is left", () => {
    expect(renewInMs(900_000, 0)).toBe(450_000);
    expect(renewInMs(100_000, 0)).toBe(50_000);
  });

  it("is never at once and never later than half of a token's life, should the clocks disagree", () => {
    expect(renewInMs(0, 5_000_000)).toBe(1_000);
    expect(renewInMs(99_000_000, 0)).toBe(450_000);
  });

  it("goes on for as long as the page is open", async () => {
    const { time, asked, keeper } = made();
    await keeper.check();
    for (let n = 0; n < 3; n += 1) {
      time.pass(LIFE_MS / 2);
      await settled();
    }
    expect(asked).toEqual(["GET /session", "POST /session/renew csrf1", "POST /session/renew csrf2", "POST /session/renew csrf3"]);
  });

  it("tells the other tabs, whose token has just been replaced", async () => {
    const { time, told, keeper } = made();
    await keeper.check();
    time.pass(LIFE_MS / 2);
    await settled();
    expect(told).toEqual(["changed"]);
  });

  it("keeps a good session while the gateway is away, and tries again", async () => {
    const { time, asked, keeper } = made({ "POST /session/renew": refuse(0, "unreachable") });
    await keeper.check();
    time.pass(LIFE_MS / 2);
    await settled();
    expect(keeper.state.kind).toBe("signed_in");
    time.pass(5_000);
    await settled();
    expect(asked).toHaveLength(3);
  });

  it("says unreachable once the token has run out", async () => {
    const { time, keeper } = made({ "POST /session/renew": refuse(0, "unreachable") });
    await keeper.check();
    for (let n = 0; n < 200; n += 1) {
      time.pass(5_000);
      await settled();
    }
    expect(keeper.state).toEqual({ kind: "unreachable", reason: "because" });
  });

  it("happens when a sleeping machine wakes up, if it is due, and once", async () => {
    const { time, asked, keeper } = made();
    await keeper.check();
    keeper.renewWhenDue();
    time.now += LIFE_MS / 2;
    keeper.renewWhenDue();
    keeper.renewWhenDue();
    await settled();
    expect(asked).toEqual(["GET /session", "POST /session/renew csrf1"]);
  });
});

describe("session", () => {
  it("is signed out when the server says so", async () => {
    const { keeper } = made({ "GET /session": refuse(401, "not_signed_in") });
    await keeper.check();
    expect(keeper.state.kind).toBe("signed_out");
  });

  it("is not called signed out when the gateway cannot be reached", async () => {
    const { keeper } = made({ "GET /session": refuse(0, "unreachable") });
    await keeper.check();
    expect(keeper.state.kind).toBe("unreachable");
  });

  it("passes on why signing in was refused", async () => {
    const { keeper } = made({ "POST /session": refuse(401, "wrong") });
    await expect(keeper.signIn({ name: "ann", password: "x" })).rejects.toMatchObject({ code: "wrong" });
    expect(keeper.state.kind).toBe("unknown");
  });

  it("ends with signing out, in the other tabs too", async () => {
    const { keeper, told } = made({ "DELETE /session": () => undefined });
    await keeper.check();
    await keeper.signOut();
    expect(keeper.state.kind).toBe("signed_out");
    expect(told).toEqual(["changed"]);
  });

  it("sends a change again, once, with the token that another tab has fetched", async () => {
    let first = true;
    const answer: Answer = (_path, options) => {
      if (first) {
        first = false;
        throw new Refusal(403, "csrf", "old token");
      }
      return { id: options.csrf };
    };
    const { keeper, asked } = made({ "POST /commands": answer });
    await keeper.check();
    const accepted = await keeper.change<{ id: string }>("/api/v1/commands", { method: "POST", body: {}, idempotencyKey: "k" });
    expect(accepted.id).toBe("csrf2");
    expect(asked).toEqual(["GET /session", "POST /commands csrf1", "GET /session", "POST /commands csrf2"]);
  });

  it("does not repeat a change that was refused for another reason", async () => {
    const { keeper, asked } = made({ "POST /commands": refuse(403, "role") });
    await keeper.check();
    await expect(keeper.change("/api/v1/commands", { method: "POST" })).rejects.toMatchObject({ code: "role" });
    expect(asked).toHaveLength(2);
  });

  it("is over when a change is answered with not signed in", async () => {
    const { keeper } = made({ "POST /commands": refuse(401, "not_signed_in") });
    await keeper.check();
    await expect(keeper.change("/api/v1/commands", { method: "POST" })).rejects.toBeInstanceOf(Refusal);
    expect(keeper.state.kind).toBe("signed_out");
  });
});

describe("a change that wants a fresh proof", () => {
  const challenge = () => ({ code: "second_factor_needed", reason: "Confirm it.", error_id: "", challenge: "c1", methods: ["totp"], passkey_options: "" });
  const onceDoubted = (): Answer => {
    let asked = 0;
    return () => {
      asked += 1;
      if (asked === 1) throw new Refusal(403, "step_up_needed", "because");
      return { done: asked };
    };
  };

  it("is asked for again after the person has proved it", async () => {
    const { keeper, told } = made({ "POST /session/challenge": challenge, "POST /commands": onceDoubted() });
    await keeper.check();
    expect(await keeper.change("/api/v1/commands", { method: "POST" })).toEqual({ done: 2 });
    expect(told).toContain("c1");
  });

  it("stays refused when the person would rather not", async () => {
    const { keeper, doubts } = made({ "POST /session/challenge": challenge, "POST /commands": onceDoubted() });
    doubts.proves = false;
    await keeper.check();
    await expect(keeper.change("/api/v1/commands", { method: "POST" })).rejects.toMatchObject({ code: "step_up_needed" });
  });
});

describe("signing in with a second factor", () => {
  it("tells what is still to be proved, and is signed in after the answer", async () => {
    const body = { code: "second_factor_needed", reason: "Type a code.", error_id: "", challenge: "c2", methods: ["totp"], passkey_options: "" };
    const needs = (): never => {
      throw new Refusal(401, body.code, body.reason, "", body);
    };
    const { keeper } = made({ "POST /session": needs });
    const refused: unknown = await keeper.signIn({ name: "ann", password: "x" }).catch((error: unknown) => error);
    expect(factorNeeded(refused)?.challenge).toBe("c2");
    expect(keeper.state.kind).toBe("unknown");
    await keeper.answer({ challenge: "c2", totp: "123456", recovery: "", passkey: "", password: "" });
    expect(keeper.state.kind).toBe("signed_in");
  });

  it("takes no other refusal for a question", () => {
    expect(factorNeeded(new Refusal(401, "wrong_name_or_password", "no"))).toBeUndefined();
    expect(factorNeeded(new Refusal(401, "second_factor_needed", "no"))).toBeUndefined();
  });
});
