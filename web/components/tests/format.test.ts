// How values read: money exactly as given, prices with the instrument's digits, "–" for what is not known.
import { describe, expect, it } from "vitest";
import { age, between, decimal, direction, money, price, spreadPoints, ticket, utc, utcClock, utcShort, volume, words } from "../src/format.ts";

describe("money", () => {
  it("keeps every digit, however many there are", () => {
    expect(decimal("12345678901234567890.123456789")).toBe("12\u202f345\u202f678\u202f901\u202f234\u202f567\u202f890.123456789");
    expect(decimal("0.10")).toBe("0.10");
    expect(decimal("1000")).toBe("1\u202f000");
    expect(decimal("-0.42")).toBe("−0.42");
  });

  it("shows what is no decimal as it came", () => {
    expect(decimal("1E+3")).toBe("1E+3");
    expect(decimal("")).toBe("–");
    expect(decimal(undefined)).toBe("–");
  });

  it("carries its currency, and no currency without money", () => {
    expect(money("1234.50", "USD")).toBe("1\u202f234.50 USD");
    expect(money(undefined, "USD")).toBe("–");
  });

  it("has a direction by its sign alone", () => {
    expect(["12.05", "-0.01", "0.00", "-0.00", undefined, "x"].map((value) => direction(value))).toEqual(["up", "down", "", "", "", ""]);
  });
});

describe("prices", () => {
  it("have the instrument's digits", () => {
    expect(price(1.1, 5)).toBe("1.10000");
    expect(price(151.2744, 3)).toBe("151.274");
  });

  it("are unknown when there is none yet", () => {
    expect([0, Number.NaN, undefined, Infinity].map((value) => price(value, 5))).toEqual(["–", "–", "–", "–"]);
  });

  it("have a spread in whole points whatever the floats say", () => {
    expect(spreadPoints(1.10001, 1.10013, 0.00001)).toBe("12");
    expect(spreadPoints(2652.14, 2652.22, 0.01)).toBe("8");
    expect(spreadPoints(1.1, 1.1, 0.00001)).toBe("0");
    expect(spreadPoints(1.1002, 1.1, 0.0001)).toBe("-2");
    expect(spreadPoints(0, 1.1, 0.0001)).toBe("–");
    expect(spreadPoints(1, 1.1, 0)).toBe("–");
  });
});

describe("times", () => {
  it("grow coarser as an age grows", () => {
    expect([0, 1_240, 9_949, 10_000, 119_999, 120_000, 7_200_000, 172_800_000].map((ms) => age(ms))).toEqual(["0.0 s", "1.2 s", "9.9 s", "10 s", "119 s", "2 min", "2 h", "2 d"]);
  });

  it("never show a negative age when clocks disagree by a little", () => {
    expect(age(-30)).toBe("0.0 s");
    expect(age(undefined)).toBe("–");
  });

  it("are UTC, and unknown when they are not yet", () => {
    expect(utc(1_700_000_000_000)).toBe("2023-11-14 22:13:20");
    expect(utcShort(1_700_000_000_000)).toBe("11-14 22:13:20");
    expect(utcClock(1_700_000_000_123)).toBe("22:13:20.123");
    expect([utc(0), utc(undefined), utcShort(0), utcClock(0), between(0, 5), ticket(0)]).toEqual(["–", "–", "–", "–", "–", "–"]);
    expect(between(5, 90)).toBe("85 ms");
    expect(ticket(9)).toBe("9");
  });
});

describe("words", () => {
  it("are read without underscores", () => {
    expect(words("PARTIALLY_FILLED")).toBe("partially filled");
    expect(words("")).toBe("–");
  });
});

describe("a typed volume", () => {
  it("is taken as digits, with a comma too", () => {
    expect([" 0.10 ", "0,5", "12"].map((text) => volume(text))).toEqual(["0.10", "0.5", "12"]);
  });

  it.each(["", "0", "0.00", "-1", "1e3", ".5", "1.", "1.2.3", "abc", "0x10", "1234567"])("is refused as %j", (text) => {
    expect(volume(text)).toBeUndefined();
  });
});
