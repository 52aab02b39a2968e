// Second factors: the authenticator app, passkeys and recovery codes, each with what it takes to add and remove it.
"use client";
import Button from "@mui/material/Button";
import { useState } from "react";
import type { Me, PasskeyView, SecondFactorAdded } from "@web/contracts";
import { ConfirmDialog } from "@web/components/confirm-dialog.tsx";
import type { Fetched } from "@web/components/fetched.ts";
import { utc } from "@web/components/format.ts";
import { Panel } from "@web/components/panel.tsx";
import { useSessionKeeper } from "@web/components/session.tsx";
import { NewPasskey } from "./new-passkey.tsx";
import { NewTotp } from "./new-totp.tsx";
import { RecoveryCodes } from "./recovery-codes.tsx";

type Doing = { kind: "totp" | "no_totp" | "passkey" | "codes" } | { kind: "no_passkey"; passkey: PasskeyView };
const LAST = "It may be your last second factor: then the password alone signs you in.";

export function SecondFactors({ me }: { readonly me: Fetched<Me> }) {
  const keeper = useSessionKeeper();
  const [doing, setDoing] = useState<Doing>();
  const [codes, setCodes] = useState<readonly string[]>([]);
  const mine = me.value;
  const close = (): void => setDoing(undefined);
  const added = async ({ recovery_codes }: SecondFactorAdded): Promise<void> => {
    setCodes(recovery_codes);
    await Promise.all([me.again(), keeper.renew()]);
  };
  const remove = async (path: string): Promise<void> => {
    await keeper.change<undefined>(path, { method: "DELETE" });
    await me.again();
  };
  const newCodes = async (): Promise<void> => added(await keeper.change<SecondFactorAdded>("/api/v1/me/recovery-codes", { method: "POST" }));
  const state = mine === undefined ? "" : mine.totp || mine.passkeys.length > 0 ? "on" : "off";
  return (
    <Panel title="Second factor" actions={state === "" ? null : <span className={`tag ${state === "on" ? "good" : "wait"}`}>{state}</span>}>
      {me.problem === undefined ? null : <p className="problem" role="alert">{me.problem}</p>}
      {mine === undefined ? null : (
        <ul className="rows">
          <li>
            <div><strong>Authenticator app</strong><span className="sub">{mine.totp ? "asks for a six-digit code when you sign in" : "six-digit codes from an app on your phone"}</span></div>
            {mine.totp ? <Button color="inherit" onClick={() => setDoing({ kind: "no_totp" })}>Remove</Button> : <Button variant="outlined" onClick={() => setDoing({ kind: "totp" })}>Set up</Button>}
          </li>
          {mine.passkeys.map((passkey) => (
            <li key={passkey.id}>
              <div><strong>Passkey “{passkey.name}”</strong><span className="sub">added {utc(passkey.created_ms)} · {passkey.used_ms > 0 ? `used ${utc(passkey.used_ms)}` : "never used"}</span></div>
              <Button color="inherit" onClick={() => setDoing({ kind: "no_passkey", passkey })}>Remove</Button>
            </li>
          ))}
          <li>
            <div><strong>Passkey</strong><span className="sub">{mine.passkeys_possible ? "a fingerprint, a face, a PIN or a security key instead of a code" : "needs an address with a host name, as https://trade.example.org or http://localhost"}</span></div>
            <Button variant="outlined" disabled={!mine.passkeys_possible} onClick={() => setDoing({ kind: "passkey" })}>Add</Button>
          </li>
          {state === "on" ? (
            <li>
              <div><strong>Recovery codes</strong><span className="sub">{mine.recovery_left} left; each signs you in once when the other factors are out of reach</span></div>
              <Button color="inherit" onClick={() => setDoing({ kind: "codes" })}>Make new ones</Button>
            </li>
          ) : null}
        </ul>
      )}
      {doing?.kind === "totp" ? <NewTotp added={added} close={close} /> : null}
      {doing?.kind === "passkey" ? <NewPasskey added={added} close={close} /> : null}
      {doing?.kind === "no_totp" ? <ConfirmDialog title="Remove the authenticator app?" confirm="Remove" colour="error" act={() => remove("/api/v1/me/totp")} close={close}><p>{LAST}</p></ConfirmDialog> : null}
      {doing?.kind === "no_passkey" ? <ConfirmDialog title={`Remove the passkey “${doing.passkey.name}”?`} confirm="Remove" colour="error" act={() => remove(`/api/v1/me/passkeys/${encodeURIComponent(doing.passkey.id)}`)} close={close}><p>{LAST}</p></ConfirmDialog> : null}
      {doing?.kind === "codes" ? <ConfirmDialog title="Make new recovery codes?" confirm="Make new codes" colour="primary" act={newCodes} close={close}><p>The codes that you have now stop working.</p></ConfirmDialog> : null}
      {codes.length > 0 ? <RecoveryCodes codes={codes} close={() => setCodes([])} /> : null}
    </Panel>
  );
}
