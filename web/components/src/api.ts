// One way to ask the gateway: JSON in and out, and every failure a `Refusal` with a sentence for the reader.
import type { Problem } from "@web/contracts";

/** Why an answer is not there. `status` is 0 when the gateway could not be reached at all. */
export class Refusal extends Error {
  override readonly name = "Refusal";

  constructor(
    readonly status: number,
    readonly code: string,
    readonly reason: string,
    readonly errorId = "",
    /** The whole answer, where it holds more than a problem: `SecondFactorNeeded`. */
    readonly body: unknown = undefined,
  ) {
    super(reason);
  }

  /** The sentence for the screen, with the id that finds the error in the log. */
  get sentence(): string {
    return this.errorId === "" ? this.reason : `${this.reason} (error ${this.errorId})`;
  }
}

export interface Ask {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly body?: unknown;
  /** `Session.csrf`: needed by every change. */
  readonly csrf?: string;
  /** The same key twice is one command. */
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
}

export type Fetch = (path: string, init: RequestInit) => Promise<Response>;
const TIMEOUT_MS = 15_000;

function isProblem(value: unknown): value is Problem {
  return typeof value === "object" && value !== null && "code" in value && "reason" in value;
}

async function refusalOf(response: Response): Promise<Refusal> {
  const value: unknown = await response.json().catch(() => undefined);
  if (isProblem(value)) return new Refusal(response.status, value.code, value.reason, value.error_id ?? "", value);
  return new Refusal(response.status, "no_problem", `The gateway answered ${response.status} without a reason.`);
}

/** Ask `path` below the gateway. Throws `Refusal`; an aborted request throws the abort itself. */
export async function ask<T>(path: string, options: Ask = {}, send: Fetch = fetch): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  if (options.csrf !== undefined) headers["X-CSRF-Token"] = options.csrf;
  if (options.idempotencyKey !== undefined) headers["Idempotency-Key"] = options.idempotencyKey;
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  let response: Response;
  try {
    response = await send(path, {
      method: options.method ?? "GET",
      headers,
      credentials: "same-origin",
      cache: "no-store",
      signal: options.signal ? AbortSignal.any([options.signal, timeout]) : timeout,
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    const why = timeout.aborted ? "did not answer within 15 seconds" : "cannot be reached";
    throw new Refusal(0, "unreachable", `The gateway ${why}.`);
  }
  if (!response.ok) throw await refusalOf(response);
  if (response.status === 204) return undefined as T;
  try {
    return (await response.json()) as T;
  } catch {
    throw new Refusal(response.status, "not_json", "The gateway's answer is not JSON.");
  }
}

/** A path with its query; undefined values are left out. */
export function withQuery(path: string, query: Readonly<Record<string, string | number | undefined>>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return text === "" ? path : `${path}?${text}`;
}

/** Any thrown thing as a sentence. */
export function sentenceOf(error: unknown): string {
  if (error instanceof Refusal) return error.sentence;
  return error instanceof Error ? error.message : "Something unexpected happened in this page.";
}
