// The form that asks for a name and a password, for signing in and for the first user alike.
"use client";
import Alert from "@mui/material/Alert";
import Button from "@mui/material/Button";
import TextField from "@mui/material/TextField";
import { type FormEvent, type ReactNode, useState } from "react";
import { sentenceOf } from "./api.ts";

interface Props {
  readonly title: string;
  readonly lead: ReactNode;
  readonly confirm: string;
  /** The first user repeats the new password. */
  readonly newPassword?: boolean;
  /** Another way in, below the button. */
  readonly also?: ReactNode;
  /** Rejects with what to show. */
  readonly send: (name: string, password: string) => Promise<void>;
}

export const SHORTEST_PASSWORD = 12;

/** Why a new password cannot be taken, or undefined. The server has the last word. */
export function passwordProblem(password: string, again: string): string | undefined {
  if (password.length < SHORTEST_PASSWORD) return `The password needs at least ${SHORTEST_PASSWORD} characters.`;
  return password === again ? undefined : "The two passwords differ.";
}

export function SignInForm({ title, lead, confirm, newPassword = false, also, send }: Props) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const read = (field: string): string => String(data.get(field) ?? "");
    const wrong = newPassword ? passwordProblem(read("password"), read("again")) : undefined;
    setProblem(wrong);
    if (wrong !== undefined || busy) return;
    setBusy(true);
    send(read("name").trim(), read("password"))
      .catch((error: unknown) => setProblem(sentenceOf(error)))
      .finally(() => setBusy(false));
  };
  return (
    <form onSubmit={submit}>
      <h1>{title}</h1>
      <p className="lead">{lead}</p>
      <TextField name="name" label="Name" required autoComplete="username" slotProps={{ htmlInput: { maxLength: 64 } }} />
      <TextField
        name="password"
        label="Password"
        type="password"
        required
        autoComplete={newPassword ? "new-password" : "current-password"}
        slotProps={{ htmlInput: { maxLength: 128 } }}
      />
      {newPassword ? (
        <TextField name="again" label="Password again" type="password" required autoComplete="new-password" slotProps={{ htmlInput: { maxLength: 128 } }} />
      ) : null}
      {problem === undefined ? null : <Alert severity="error" variant="outlined">{problem}</Alert>}
      <Button type="submit" variant="contained" size="medium" disabled={busy}>
        {busy ? "One moment…" : confirm}
      </Button>
      {also}
    </form>
  );
}
