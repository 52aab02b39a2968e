// Ask before something that matters: what will happen, an optional reason, and the server's refusal if it refuses.
"use client";
import Button from "@mui/material/Button";
import Dialog from "@mui/material/Dialog";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import TextField from "@mui/material/TextField";
import { type FormEvent, type ReactNode, useId, useState } from "react";
import { sentenceOf } from "./api.ts";

interface Props {
  readonly title: string;
  readonly children: ReactNode;
  readonly confirm: string;
  readonly colour: "primary" | "error" | "success";
  /** The label of the reason's field; without it none is asked for. */
  readonly reasonLabel?: string;
  /** Rejects with what to show; resolves when it is done, and the dialog closes. */
  readonly act: (reason: string) => Promise<void>;
  readonly close: () => void;
}

export function ConfirmDialog({ title, children, confirm, colour, reasonLabel, act, close }: Props) {
  const titleId = useId();
  const [reason, setReason] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const missing = reasonLabel !== undefined && reason.trim() === "";
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (busy || missing) return;
    setBusy(true);
    setProblem(undefined);
    act(reason.trim())
      .then(close)
      .catch((error: unknown) => setProblem(sentenceOf(error)))
      .finally(() => setBusy(false));
  };
  return (
    <Dialog open onClose={busy ? undefined : close} aria-labelledby={titleId}>
      <form onSubmit={submit}>
        <DialogTitle id={titleId}>{title}</DialogTitle>
        <DialogContent>
          {children}
          {reasonLabel === undefined ? null : (
            <TextField
              autoFocus
              required
              margin="normal"
              label={reasonLabel}
              value={reason}
              onChange={(event) => setReason(event.target.value)}
              slotProps={{ htmlInput: { maxLength: 200 } }}
            />
          )}
          {problem === undefined ? null : <p className="problem" role="alert">{problem}</p>}
        </DialogContent>
        <DialogActions>
          <Button color="inherit" onClick={close} disabled={busy}>Cancel</Button>
          <Button type="submit" variant="contained" color={colour} disabled={busy || missing} autoFocus={reasonLabel === undefined}>
            {busy ? "Sending…" : confirm}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
