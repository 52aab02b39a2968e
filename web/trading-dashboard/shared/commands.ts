// Send a person's command exactly once: one idempotency key per decision, kept through every retry of it.
import type { CommandAccepted, CommandRequest } from "@web/contracts";
import type { SessionKeeper } from "@web/components/session-keeper.ts";

/** A new key for a new decision: make it when the dialog opens, so that a second press of its button is the same command. */
export function newKey(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  // Plain http on a foreign host is no secure context: randomUUID is missing there, getRandomValues is not.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function sendCommand(keeper: SessionKeeper, key: string, request: CommandRequest): Promise<CommandAccepted> {
  return keeper.change<CommandAccepted>("/api/v1/commands", { method: "POST", body: request, idempotencyKey: key });
}

export function mayTrade(role: string): boolean {
  return role === "trader" || role === "admin";
}
