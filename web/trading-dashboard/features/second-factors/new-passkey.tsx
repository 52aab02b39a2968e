// Add a passkey: a name for it, then the browser's own question.
"use client";
import TextField from "@mui/material/TextField";
import { useState } from "react";
import type { PasskeyNew, PasskeyOffer, SecondFactorAdded } from "@web/contracts";
import { Refusal } from "@web/components/api.ts";
import { ConfirmDialog } from "@web/components/confirm-dialog.tsx";
import { makePasskey } from "@web/components/passkeys.ts";
import { useSessionKeeper } from "@web/components/session.tsx";

export function NewPasskey({ added, close }: { readonly added: (made: SecondFactorAdded) => Promise<void>; readonly close: () => void }) {
  const keeper = useSessionKeeper();
  const [name, setName] = useState("");
  const act = async (): Promise<void> => {
    if (name.trim() === "") throw new Refusal(0, "no_name", "Give the passkey a name, as “office laptop”.");
    const offer = await keeper.change<PasskeyOffer>("/api/v1/me/passkeys/challenge", { method: "POST" });
    const body: PasskeyNew = { challenge: offer.challenge, credential: await makePasskey(offer.options), name: name.trim() };
    await added(await keeper.change<SecondFactorAdded>("/api/v1/me/passkeys", { method: "POST", body }));
  };
  return (
    <ConfirmDialog title="Add a passkey" confirm="Go on" colour="primary" act={act} close={close}>
      <p>Your browser asks for your fingerprint, face, PIN or security key. The passkey stays with that device.</p>
      <TextField autoFocus margin="normal" label="Name of the device" value={name} onChange={(event) => setName(event.target.value)} slotProps={{ htmlInput: { maxLength: 64 } }} />
    </ConfirmDialog>
  );
}
