// Passkeys in this browser: make one from the server's offer, prove one against its challenge. Source: WebAuthn level 3.
import { Refusal } from "./api.ts";

/** Whether this page may use passkeys: browsers bind them to a host name, never to an IP address. */
export function passkeysPossible(host: string = location.hostname): boolean {
  return typeof PublicKeyCredential !== "undefined" && !/^[\d.]+$|:|^\[/.test(host);
}

function declined(error: unknown): Refusal {
  const name = error instanceof Error ? error.name : "";
  const reason =
    name === "InvalidStateError"
      ? "This device already has a passkey for this user."
      : "No passkey was used: the browser's question was cancelled or timed out.";
  return new Refusal(0, "passkey_declined", reason);
}

async function text(made: () => Promise<Credential | null>): Promise<string> {
  let credential: Credential | null;
  try {
    credential = await made();
  } catch (error) {
    throw declined(error);
  }
  if (credential === null) throw declined(undefined);
  return JSON.stringify(credential);
}

/** Make a passkey. `options` is the server's JSON; returns the credential as JSON. Throws `Refusal`. */
export function makePasskey(options: string): Promise<string> {
  return text(async () => {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(JSON.parse(options));
    return await navigator.credentials.create({ publicKey });
  });
}

/** Prove that one has a passkey, in the same way. */
export function provePasskey(options: string): Promise<string> {
  return text(async () => {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(JSON.parse(options));
    return await navigator.credentials.get({ publicKey });
  });
}
