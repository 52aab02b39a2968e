// Set up the authenticator app: scan, type one code, done.
"use client";
import Button from "@mui/material/Button";
import Dialog from "@mui/material/Dialog";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import TextField from "@mui/material/TextField";
import { type FormEvent, useEffect, useId, useState } from "react";
import type { SecondFactorAdded, TotpConfirm, TotpOffer } from "@web/contracts";
import { sentenceOf } from "@web/components/api.ts";
import { useSessionKeeper } from "@web/components/session.tsx";

/** The picture as an address: as an image, a drawing can neither run nor load anything. */
export function pictureOf(svg: string): string {
  return `data:image/svg+xml;utf8,${encodeURIComponent(svg)}`;
}

/** The secret in groups of four, for typing. */
export function grouped(secret: string): string {
  return secret.replaceAll(/(.{4})(?=.)/g, "$1 ");
}

export function NewTotp({ added, close }: { readonly added: (made: SecondFactorAdded) => Promise<void>; readonly close: () => void }) {
  const keeper = useSessionKeeper();
  const titleId = useId();
  const [offer, setOffer] = useState<TotpOffer>();
  const [code, setCode] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    keeper.change<TotpOffer>("/api/v1/me/totp", { method: "POST" }).then(setOffer, (error: unknown) => setProblem(sentenceOf(error)));
  }, [keeper]);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (offer === undefined || busy) return;
    setBusy(true);
    setProblem(undefined);
    const body: TotpConfirm = { challenge: offer.challenge, totp: code.replaceAll(/\s/g, "") };
    keeper
      .change<SecondFactorAdded>("/api/v1/me/totp", { method: "PUT", body })
      .then(added)
      .then(close)
      .catch((error: unknown) => setProblem(sentenceOf(error)))
      .finally(() => setBusy(false));
  };
  return (
    <Dialog open onClose={busy ? undefined : close} aria-labelledby={titleId}>
      <form onSubmit={submit}>
        <DialogTitle id={titleId}>Set up the authenticator app</DialogTitle>
        <DialogContent className="totp">
          {offer === undefined ? <p className="dim">{problem === undefined ? "One moment…" : ""}</p> : (
            <>
              <p>Scan this picture with the app, or type the key. Then type the code that the app shows.</p>
              <img className="qr" src={pictureOf(offer.qr_svg)} alt="QR code with the key below" width={196} height={196} />
              <code className="secret">{grouped(offer.secret)}</code>
              <TextField
                autoFocus
                required
                label="Six-digit code"
                value={code}
                onChange={(event) => setCode(event.target.value)}
                autoComplete="one-time-code"
                slotProps={{ htmlInput: { inputMode: "numeric", pattern: "[0-9 ]{6,7}", maxLength: 7, title: "six digits" } }}
              />
            </>
          )}
          {problem === undefined ? null : <p className="problem" role="alert">{problem}</p>}
        </DialogContent>
        <DialogActions>
          <Button color="inherit" onClick={close} disabled={busy}>Cancel</Button>
          <Button type="submit" variant="contained" disabled={busy || offer === undefined}>{busy ? "One moment…" : "Turn on"}</Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
