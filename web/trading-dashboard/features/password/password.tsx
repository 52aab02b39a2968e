// Change one's password; every other session ends with it.
"use client";
import Alert from "@mui/material/Alert";
import Button from "@mui/material/Button";
import TextField from "@mui/material/TextField";
import { type FormEvent, useState } from "react";
import type { PasswordChange } from "@web/contracts";
import { sentenceOf } from "@web/components/api.ts";
import { utc } from "@web/components/format.ts";
import { Panel } from "@web/components/panel.tsx";
import { useSession, useSessionKeeper } from "@web/components/session.tsx";
import { passwordProblem } from "@web/components/sign-in-form.tsx";

export function Password({ changedMs }: { readonly changedMs: number | undefined }) {
  const keeper = useSessionKeeper();
  const { name } = useSession();
  const [busy, setBusy] = useState(false);
  const [said, setSaid] = useState<{ good: boolean; text: string }>();
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = event.currentTarget;
    const data = new FormData(form);
    const read = (field: string): string => String(data.get(field) ?? "");
    const wrong = passwordProblem(read("new"), read("again"));
    setSaid(wrong === undefined ? undefined : { good: false, text: wrong });
    if (wrong !== undefined || busy) return;
    setBusy(true);
    const body: PasswordChange = { current: read("current"), new: read("new") };
    keeper
      .change<undefined>("/api/v1/me/password", { method: "POST", body })
      .then(() => {
        form.reset();
        setSaid({ good: true, text: "The password is changed. Every other session has ended." });
      })
      .catch((error: unknown) => setSaid({ good: false, text: sentenceOf(error) }))
      .finally(() => setBusy(false));
  };
  const text = { htmlInput: { maxLength: 128 } };
  return (
    <Panel title="Password" actions={<span className="dim">{changedMs ? `changed ${utc(changedMs)}` : ""}</span>}>
      <form className="body fields" onSubmit={submit}>
        <input className="visually-hidden" name="name" autoComplete="username" value={name} readOnly tabIndex={-1} aria-hidden="true" />
        <TextField name="current" label="Current password" type="password" required autoComplete="current-password" slotProps={text} />
        <TextField name="new" label="New password" type="password" required autoComplete="new-password" slotProps={text} />
        <TextField name="again" label="New password again" type="password" required autoComplete="new-password" slotProps={text} />
        {said === undefined ? null : <Alert severity={said.good ? "success" : "error"} variant="outlined">{said.text}</Alert>}
        <Button type="submit" variant="outlined" disabled={busy}>{busy ? "One moment…" : "Change password"}</Button>
      </form>
    </Panel>
  );
}
