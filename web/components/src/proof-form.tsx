// Prove who one is beyond the password: a code of the authenticator app, a passkey, a recovery code, or the password again.
"use client";
import Alert from "@mui/material/Alert";
import Button from "@mui/material/Button";
import TextField from "@mui/material/TextField";
import { type FormEvent, useState } from "react";
import type { SecondFactor, SecondFactorNeeded } from "@web/contracts";
import { sentenceOf } from "./api.ts";
import { provePasskey } from "./passkeys.ts";

type Typed = "totp" | "recovery" | "password";
const FIELDS: Readonly<Record<Typed, { label: string; switchTo: string; type?: string; autoComplete: string; numeric?: boolean }>> = {
  totp: { label: "Six-digit code of your authenticator app", switchTo: "Use the authenticator app", autoComplete: "one-time-code", numeric: true },
  recovery: { label: "Recovery code", switchTo: "Use a recovery code", autoComplete: "off" },
  password: { label: "Password", switchTo: "Use the password", type: "password", autoComplete: "current-password" },
};
const TYPED: readonly Typed[] = ["totp", "password", "recovery"];

interface Props {
  readonly needed: SecondFactorNeeded;
  readonly confirm: string;
  /** Rejects with what to show. */
  readonly send: (proof: SecondFactor) => Promise<void>;
  readonly cancel: () => void;
}

export function ProofForm({ needed, confirm, send, cancel }: Props) {
  const typed = TYPED.filter((method) => needed.methods.includes(method));
  const [method, setMethod] = useState<Typed | undefined>(typed[0]);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const act = (work: () => Promise<void>): void => {
    if (busy) return;
    setBusy(true);
    setProblem(undefined);
    work()
      .catch((error: unknown) => setProblem(sentenceOf(error)))
      .finally(() => setBusy(false));
  };
  const proof = (part: Partial<SecondFactor>): SecondFactor => ({ challenge: needed.challenge, totp: "", recovery: "", passkey: "", password: "", ...part });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const text = String(new FormData(event.currentTarget).get("proof") ?? "");
    if (method !== undefined) act(() => send(proof({ [method]: method === "password" ? text : text.replaceAll(/\s/g, "") })));
  };
  const field = method === undefined ? undefined : FIELDS[method];
  return (
    <form className="proof" onSubmit={submit}>
      {needed.methods.includes("passkey") ? (
        <Button variant={field === undefined ? "contained" : "outlined"} color="inherit" disabled={busy} onClick={() => act(async () => send(proof({ passkey: await provePasskey(needed.passkey_options) })))}>
          Use a passkey
        </Button>
      ) : null}
      {field === undefined ? null : (
        <TextField
          key={method}
          name="proof"
          label={field.label}
          type={field.type ?? "text"}
          required
          autoFocus
          autoComplete={field.autoComplete}
          slotProps={{ htmlInput: { maxLength: 128, ...(field.numeric ? { inputMode: "numeric", pattern: "[0-9 ]{6,7}", title: "six digits" } : {}) } }}
        />
      )}
      {problem === undefined ? null : <Alert severity="error" variant="outlined">{problem}</Alert>}
      {field === undefined ? null : <Button type="submit" variant="contained" disabled={busy}>{busy ? "One moment…" : confirm}</Button>}
      <div className="choices">
        {typed.filter((other) => other !== method).map((other) => (
          <Button key={other} color="inherit" disabled={busy} onClick={() => setMethod(other)}>{FIELDS[other].switchTo}</Button>
        ))}
        <Button color="inherit" disabled={busy} onClick={cancel}>Cancel</Button>
      </div>
    </form>
  );
}
