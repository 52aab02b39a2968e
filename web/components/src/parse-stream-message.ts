// Accept a text frame of the live stream only when it is one of the five known messages.
import type { StreamMessage } from "@web/contracts";

const FIELDS: Record<string, (message: Record<string, unknown>) => boolean> = {
  t: (message) => typeof message.now === "number" && Array.isArray(message.d),
  a: (message) => isObject(message.account),
  o: (message) => isObject(message.order),
  e: (message) => isObject(message.execution),
  h: (message) => typeof message.now === "number" && typeof message.bus === "boolean" && isFactOrUnknown(message.paused),
};

/** True, false, or that nobody knows. */
function isFactOrUnknown(value: unknown): boolean {
  return typeof value === "boolean" || value === null || value === undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a decoded frame is a message of the stream. Rows of quotes are looked at one by one in `TickStore.apply`. */
export function isStreamMessage(value: unknown): value is StreamMessage {
  if (!isObject(value) || typeof value.q !== "number" || typeof value.k !== "string") return false;
  const check = Object.hasOwn(FIELDS, value.k) ? FIELDS[value.k] : undefined;
  return check !== undefined && check(value);
}

/** The message in a frame, or undefined when the frame is not one: count it and go on. */
export function parseStreamMessage(frame: unknown): StreamMessage | undefined {
  if (typeof frame !== "string") return undefined;
  try {
    const value: unknown = JSON.parse(frame);
    return isStreamMessage(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
