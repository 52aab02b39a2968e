// Turn values of the platform into what a person reads; an unknown value is always "–".

export const UNKNOWN = "–";

/** A quote with the instrument's digits. Zero and NaN are what "no price yet" looks like on the wire. */
export function price(value: number | undefined, digits: number): string {
  return value === undefined || !Number.isFinite(value) || value <= 0 ? UNKNOWN : value.toFixed(digits);
}

/** The spread in points: a whole number, whatever the float subtraction left behind. */
export function spreadPoints(bid: number, ask: number, point: number): string {
  if (!(point > 0) || !(bid > 0) || !(ask > 0)) return UNKNOWN;
  return String(Math.round((ask - bid) / point));
}

/** An age: tenths of a second first, then seconds, minutes and hours. */
export function age(ms: number | undefined): string {
  if (ms === undefined || !Number.isFinite(ms)) return UNKNOWN;
  const whole = Math.max(0, ms);
  if (whole < 9_950) return `${(whole / 1_000).toFixed(1)} s`;
  if (whole < 120_000) return `${Math.floor(whole / 1_000)} s`;
  if (whole < 7_200_000) return `${Math.floor(whole / 60_000)} min`;
  if (whole < 172_800_000) return `${Math.floor(whole / 3_600_000)} h`;
  return `${Math.floor(whole / 86_400_000)} d`;
}

const DECIMAL = /^([+-]?)(\d+)(\.\d+)?$/;

/** Decimal digits with thin groups of three, never rounded and never through a float. */
export function decimal(value: string | undefined): string {
  const parts = value === undefined ? null : DECIMAL.exec(value);
  if (!parts) return value === undefined || value === "" ? UNKNOWN : value;
  const [, sign = "", whole = "", fraction = ""] = parts;
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, "\u202f");
  return `${sign === "-" ? "−" : ""}${grouped}${fraction}`;
}

/** Money with its currency, the digits as given. */
export function money(value: string | undefined, currency: string): string {
  const digits = decimal(value);
  return digits === UNKNOWN ? UNKNOWN : `${digits} ${currency}`.trim();
}

/** "up" for a gain, "down" for a loss, "" for zero or unknown: for colour beside the sign. */
export function direction(value: string | undefined): "up" | "down" | "" {
  if (value === undefined || !DECIMAL.test(value) || !/[1-9]/.test(value)) return "";
  return value.startsWith("-") ? "down" : "up";
}

/** UTC date and time to the second; "–" for the zero that means "not yet". */
export function utc(ms: number | undefined): string {
  if (ms === undefined || !(ms > 0)) return UNKNOWN;
  return new Date(ms).toISOString().slice(0, 19).replace("T", " ");
}

/** UTC month, day and time to the second, for dense tables. */
export function utcShort(ms: number): string {
  return ms > 0 ? utc(ms).slice(5) : UNKNOWN;
}

/** UTC time of day to the millisecond. */
export function utcClock(ms: number | undefined): string {
  return ms === undefined || !(ms > 0) ? UNKNOWN : new Date(ms).toISOString().slice(11, 23);
}

/** The milliseconds between two stamps; "–" when one of them is missing. */
export function between(fromMs: number, toMs: number): string {
  return fromMs > 0 && toMs > 0 ? `${toMs - fromMs} ms` : UNKNOWN;
}

/** A ticket, deal or other number that is 0 as long as it is not known. */
export function ticket(value: number): string {
  return value > 0 ? String(value) : UNKNOWN;
}

/** `not_signed_in` → `not signed in`. */
export function words(value: string): string {
  return value === "" ? UNKNOWN : value.replaceAll("_", " ").toLowerCase();
}

const VOLUME = /^(?:\d{1,6}(?:\.\d{1,8})?)$/;

/** A volume typed by a person: digits with at most one point and more than zero; undefined when it is not. */
export function volume(text: string): string | undefined {
  const trimmed = text.trim().replace(",", ".");
  return VOLUME.test(trimmed) && /[1-9]/.test(trimmed) ? trimmed : undefined;
}
