// What the live stream promises: it comes back by itself, notices silence and loss, and says so.
import { describe, expect, it } from "vitest";
import { FIRST_MS, LONGEST_MS, waitMs } from "../src/backoff.ts";
import { parseStreamMessage } from "../src/parse-stream-message.ts";
import { Sequence } from "../src/sequence.ts";
import { GIVE_UP_AFTER_MS, SILENT_AFTER_MS, Stream } from "../src/stream.ts";
import { FakeSocket, FakeTime, settled } from "./fakes.ts";

function made(ticket: () => Promise<string> = () => Promise.resolve("once")) {
  const time = new FakeTime();
  const sockets: FakeSocket[] = [];
  const states: string[] = [];
  const behind: string[] = [];
  const heard: number[] = [];
  let lost = 0;
  const stream = new Stream({
    open: () => sockets[sockets.push(new FakeSocket()) - 1] as FakeSocket,
    ticket: () => ticket(),
    later: time.later,
    random: () => 1,
    onMessage: (message) => heard.push(message.q),
    onState: (state) => states.push(state),
    onBehind: (why) => behind.push(why),
    onLost: () => (lost += 1),
  });
  const last = (): FakeSocket => sockets.at(-1) as FakeSocket;
  const beat = (q: number): void => last().say({ k: "h", q, now: 1, bus: true });
  stream.start();
  return { time, sockets, states, behind, heard, stream, last, beat, lost: () => lost };
}

describe("stream", () => {
  it("fetches snapshots once it is connected, and is live with the first message", () => {
    const { last, beat, states, behind } = made();
    last().onopen?.(undefined as never);
    expect(states).toEqual(["connecting"]);
    beat(1);
    expect(states).toEqual(["connecting", "live"]);
    expect(behind).toEqual(["connected"]);
  });

  it("says its ticket first, and a new one on each connection", async () => {
    let issued = 0;
    const { time, sockets, last } = made(() => Promise.resolve(`ticket ${(issued += 1)}`));
    last().onopen?.(undefined as never);
    await settled();
    last().onclose?.(undefined as never);
    time.pass(250);
    last().onopen?.(undefined as never);
    await settled();
    expect(sockets.map((socket) => socket.sent)).toEqual([["ticket 1"], ["ticket 2"]]);
  });

  it("tries again when there is no ticket, and gives none to a socket that it has left", async () => {
    const { sockets, last, states, stream } = made(() => Promise.reject(new Error("refused")));
    last().onopen?.(undefined as never);
    await settled();
    expect(states).toEqual(["connecting", "lost"]);
    stream.stop();
    const other = made();
    other.last().onopen?.(undefined as never);
    other.stream.stop();
    await settled();
    expect([...sockets, ...other.sockets].flatMap((socket) => socket.sent)).toEqual([]);
  });

  it("reconnects after a loss and waits longer each time", () => {
    const { time, sockets, last, states, lost } = made();
    const waits: number[] = [];
    for (let attempt = 0; attempt < 9; attempt += 1) {
      last().onclose?.(undefined as never);
      waits.push(time.waiting[0] as number);
      time.pass(waits.at(-1) as number);
    }
    expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
    expect(lost()).toBe(9);
    expect(sockets).toHaveLength(10);
    expect(states.slice(0, 3)).toEqual(["connecting", "lost", "connecting"]);
  });

  it("starts from the shortest wait again once it was live", () => {
    const { time, last, beat } = made();
    last().onclose?.(undefined as never);
    time.pass(250);
    last().onclose?.(undefined as never);
    time.pass(500);
    beat(1);
    last().onclose?.(undefined as never);
    expect(time.waiting[0]).toBe(250);
  });

  it("calls silence what is silent, then gives the socket up", () => {
    const { time, last, beat, states } = made();
    beat(1);
    const dead = last();
    time.pass(SILENT_AFTER_MS);
    expect(states.at(-1)).toBe("silent");
    time.pass(GIVE_UP_AFTER_MS - SILENT_AFTER_MS);
    expect(dead.closed).toBe(true);
    expect(states).toContain("lost");
  });

  it("gives up a connection that never opens", () => {
    const { time, last, states } = made();
    const first = last();
    time.pass(GIVE_UP_AFTER_MS);
    expect(first.closed).toBe(true);
    expect(states).toContain("lost");
  });

  it("fetches snapshots again when a message is missing, and takes the message itself", () => {
    const { beat, behind, heard, stream } = made();
    beat(1);
    beat(2);
    beat(5);
    beat(6);
    expect(behind).toEqual(["gap"]);
    expect(heard).toEqual([1, 2, 5, 6]);
    expect(stream.gaps).toBe(1);
  });

  it("sees no gap between two connections", () => {
    const { time, last, beat, behind } = made();
    beat(41);
    last().onclose?.(undefined as never);
    time.pass(250);
    beat(1);
    expect(behind).toEqual([]);
  });

  it("counts a frame that is no message and goes on", () => {
    const { last, beat, heard, stream } = made();
    last().onmessage?.({ data: "not json" });
    last().say({ k: "?", q: 1 });
    beat(1);
    expect(stream.refused).toBe(2);
    expect(heard).toEqual([1]);
  });

  it("is quiet after stop", () => {
    const { time, stream, last, sockets } = made();
    const socket = last();
    stream.stop();
    time.pass(60_000);
    expect(socket.closed).toBe(true);
    expect(sockets).toHaveLength(1);
  });

  it("does not wait when told that the network is back", () => {
    const { stream, last, sockets } = made();
    last().onclose?.(undefined as never);
    stream.retryNow();
    stream.retryNow();
    expect(sockets).toHaveLength(2);
  });
});

describe("backoff", () => {
  it("stays between a quarter of a second and fifteen seconds", () => {
    for (let attempt = 0; attempt < 40; attempt += 1) {
      for (const random of [0, 0.5, 0.999_999]) {
        expect(waitMs(attempt, random)).toBeGreaterThanOrEqual(FIRST_MS);
        expect(waitMs(attempt, random)).toBeLessThanOrEqual(LONGEST_MS);
      }
    }
  });

  it("spreads browsers that were cut off together", () => {
    expect(waitMs(6, 0.1)).not.toBe(waitMs(6, 0.9));
  });
});

describe("sequence", () => {
  it("takes any first number and counts what is missing after it", () => {
    const sequence = new Sequence();
    expect([7, 8, 11, 12, 3].map((q) => sequence.missing(q))).toEqual([0, 0, 2, 0, 1]);
  });
});

describe("messages", () => {
  it.each(['{"k":"h","q":1,"now":1}', '{"k":"t","q":1,"now":1,"d":{}}', '{"k":"a","q":1}', '{"k":"constructor","q":1}', "[]", "null", "{"])(
    "refuses %s",
    (frame) => expect(parseStreamMessage(frame)).toBeUndefined(),
  );

  it("takes each of the five kinds", () => {
    const frames = ['{"k":"t","q":1,"now":1,"d":[]}', '{"k":"a","q":1,"account":{}}', '{"k":"o","q":1,"order":{}}', '{"k":"e","q":1,"execution":{}}', '{"k":"h","q":1,"now":1,"bus":false}'];
    expect(frames.map((frame) => parseStreamMessage(frame)?.k)).toEqual(["t", "a", "o", "e", "h"]);
  });
});
