// The ticket's arithmetic: exact, in plain sentences, silent about rules that nobody told.
import { describe, expect, it } from "vitest";
import { offered } from "../features/pause/pause-buttons.tsx";
import { firstVolume, volumeHint, volumeProblem } from "../features/ticket/volume-rules.ts";

const rules = (volume_min: string, volume_max: string, volume_step: string) => ({ symbol: "EURUSD", volume_min, volume_max, volume_step });
const usual = rules("0.01", "50.00", "0.01");

describe("a typed volume", () => {
  it("is fine within the contract, however it is written", () => {
    expect(["0.01", "0.30", "50", "1,25", " 7 "].map((text) => volumeProblem(text, usual))).toEqual(Array.from({ length: 5 }));
  });

  it("is compared exactly where floats are not", () => {
    expect(volumeProblem("0.3", rules("0.1", "1", "0.1"))).toBeUndefined();
    expect(volumeProblem("1.1", rules("0.1", "5", "0.1"))).toBeUndefined();
    expect(volumeProblem("0.00000003", rules("0.00000001", "1", "0.00000001"))).toBeUndefined();
    expect(volumeProblem("50.00000001", usual)).toContain("50 lots");
  });

  it("is no volume when it is no number above zero", () => {
    for (const text of ["", "abc", "0", "0.00", "-1", "1e2", "1.2.3"]) expect(volumeProblem(text, usual)).toBe("Digits with at most one point, more than 0.");
  });

  it("is told the least, the most and the step in plain sentences", () => {
    expect(volumeProblem("0.05", rules("0.1", "5", "0.1"))).toBe("The least that can be traded of EURUSD is 0.1 lots.");
    expect(volumeProblem("50.01", usual)).toBe("The most that can be traded of EURUSD at once is 50 lots.");
    expect(volumeProblem("0.015", usual)).toBe("EURUSD is traded in steps of 0.01 lots: use 0.01 or 0.02.");
  });

  it("is only offered steps that are allowed themselves", () => {
    expect(volumeProblem("1.5", rules("1", "1.9", "1"))).toBe("EURUSD is traded in steps of 1 lots: use 1.");
    expect(volumeProblem("1.5", rules("1.2", "1.9", "1"))).toBe("EURUSD is traded in steps of 1 lots.");
  });

  it("is left to the server when no terminal has told the rules", () => {
    expect(volumeProblem("0.000001", rules("0", "0", "0"))).toBeUndefined();
    expect(volumeProblem("7", rules("1E-2", "", "0"))).toBeUndefined();
  });
});

describe("a new ticket", () => {
  it("begins with the least volume, or empty when that is not known", () => {
    expect([firstVolume(usual), firstVolume(rules("0.10", "5", "0.1")), firstVolume(rules("0", "0", "0"))]).toEqual(["0.01", "0.1", ""]);
  });

  it("says what may be typed, as far as it is known", () => {
    expect([volumeHint(usual), volumeHint(rules("1", "5", "0")), volumeHint(rules("0", "0", "0"))]).toEqual(["0.01 to 50, in steps of 0.01", "1 to 5", ""]);
  });
});

describe("pausing", () => {
  it("is offered when it would change something, and both ways while nobody knows", () => {
    expect([offered(false), offered(true), offered(undefined)]).toEqual([["pause"], ["resume"], ["pause", "resume"]]);
  });
});
