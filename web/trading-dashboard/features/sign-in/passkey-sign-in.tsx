// Sign in with a passkey alone, where the browser and the address allow it.
"use client";
import Alert from "@mui/material/Alert";
import Button from "@mui/material/Button";
import { useState, useSyncExternalStore } from "react";
import { sentenceOf } from "@web/components/api.ts";
import { passkeysPossible, provePasskey } from "@web/components/passkeys.ts";
import { useSessionKeeper } from "@web/components/session.tsx";

const never = (): (() => void) => () => undefined;

export function PasskeySignIn() {
  const keeper = useSessionKeeper();
  const possible = useSyncExternalStore(never, () => passkeysPossible(), () => false);
  const [problem, setProblem] = useState<string>();
  if (!possible) return null;
  const enter = async (): Promise<void> => {
    const offer = await keeper.offerPasskey();
    const passkey = await provePasskey(offer.options);
    await keeper.answer({ challenge: offer.challenge, totp: "", recovery: "", passkey, password: "" });
  };
  return (
    <>
      <Button color="inherit" variant="outlined" onClick={() => void enter().catch((error: unknown) => setProblem(sentenceOf(error)))}>
        Sign in with a passkey
      </Button>
      {problem === undefined ? null : <Alert severity="info" variant="outlined">{problem}</Alert>}
    </>
  );
}
