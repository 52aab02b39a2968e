// What a symbol's contract says about volumes, in exact decimals: never through a float.
import { volume as readVolume } from "@web/components/format.ts";

/** Lots as decimal digits; "0" for a rule that is not known. */
export interface VolumeRules {
  readonly symbol: string;
  readonly volume_min: string;
  readonly volume_max: string;
  readonly volume_step: string;
}

const DIGITS = /^(\d+)(?:\.(\d+))?$/;
const PLACES = 12;

/** The number times 10^12; undefined for what is no plain decimal, or finer than that. */
function scaled(text: string): bigint | undefined {
  const [, whole, fraction = ""] = DIGITS.exec(text) ?? [];
  return whole === undefined || fraction.length > PLACES ? undefined : BigInt(whole + fraction.padEnd(PLACES, "0"));
}

function written(value: bigint): string {
  const digits = value.toString().padStart(PLACES + 1, "0");
  const fraction = digits.slice(-PLACES).replace(/0+$/, "");
  return digits.slice(0, -PLACES) + (fraction === "" ? "" : `.${fraction}`);
}

/** A rule's value; undefined when it is not known. */
function known(rule: string): bigint | undefined {
  const value = scaled(rule);
  return value === undefined || value <= 0n ? undefined : value;
}

function stepProblem(symbol: string, value: bigint, step: bigint, least: bigint, most: bigint | undefined): string | undefined {
  if (value % step === 0n) return undefined;
  const below = value - (value % step);
  const near = [below, below + step].filter((each) => each >= least && each > 0n && (most === undefined || each <= most));
  const use = near.length === 0 ? "" : `: use ${near.map((each) => written(each)).join(" or ")}`;
  return `${symbol} is traded in steps of ${written(step)} lots${use}.`;
}

/** What is wrong with a typed volume, in one sentence; undefined when nothing is that is known here. */
export function volumeProblem(text: string, rules: VolumeRules): string | undefined {
  const read = readVolume(text);
  const value = read === undefined ? undefined : scaled(read);
  if (value === undefined) return "Digits with at most one point, more than 0.";
  const [least, most, step] = [known(rules.volume_min), known(rules.volume_max), known(rules.volume_step)];
  if (least !== undefined && value < least) return `The least that can be traded of ${rules.symbol} is ${written(least)} lots.`;
  if (most !== undefined && value > most) return `The most that can be traded of ${rules.symbol} at once is ${written(most)} lots.`;
  return step === undefined ? undefined : stepProblem(rules.symbol, value, step, least ?? 0n, most);
}

/** The volume a ticket begins with: the least there is, or nothing while that is not known. */
export function firstVolume(rules: VolumeRules): string {
  const least = known(rules.volume_min);
  return least === undefined ? "" : written(least);
}

/** What may be typed, for the line below the field; empty while it is not known. */
export function volumeHint(rules: VolumeRules): string {
  const [least, most, step] = [known(rules.volume_min), known(rules.volume_max), known(rules.volume_step)];
  if (least === undefined || most === undefined) return "";
  return `${written(least)} to ${written(most)}${step === undefined ? "" : `, in steps of ${written(step)}`}`;
}
