// How long to wait before the next attempt: doubling from 0.25 s to 15 s, with jitter so that browsers do not return at once.

export const FIRST_MS = 250;
export const LONGEST_MS = 15_000;

/** Full-range jitter: between the shortest wait and the doubled one. `random` is in [0, 1). */
export function waitMs(attempt: number, random: number): number {
  const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 16));
  return Math.round(FIRST_MS + (ceiling - FIRST_MS) * random);
}
