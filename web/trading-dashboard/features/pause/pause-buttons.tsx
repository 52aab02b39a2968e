// Pause or resume trading for the whole tenant: two steps and a reason, decided by the server.
"use client";
import Button from "@mui/material/Button";
import { useRef, useState } from "react";
import { ConfirmDialog } from "@web/components/confirm-dialog.tsx";
import { useSession, useSessionKeeper } from "@web/components/session.tsx";
import { mayTrade, newKey, sendCommand } from "../../shared/commands.ts";

type Kind = "pause" | "resume";
const TEXTS: Readonly<Record<Kind, { title: string; effect: string; done: string }>> = {
  pause: {
    title: "Pause trading",
    effect: "No new risk is taken on any account until trading is resumed. Open positions stay open and can be closed.",
    done: "Pause was accepted",
  },
  resume: {
    title: "Resume trading",
    effect: "Strategies and people may open positions again, within the limits that are set.",
    done: "Resume was accepted",
  },
};

export function PauseButtons() {
  const keeper = useSessionKeeper();
  const allowed = mayTrade(useSession().role);
  const [asked, setAsked] = useState<Kind>();
  // The same words again are the same command; other words are another one, and need another key.
  const last = useRef<{ words: string; key: string }>(undefined);
  const [sent, setSent] = useState("");
  if (!allowed) return null;
  const askFor = (kind: Kind): void => {
    last.current = undefined;
    setAsked(kind);
  };
  const act = async (reason: string): Promise<void> => {
    if (asked === undefined) return;
    if (last.current?.words !== reason) last.current = { words: reason, key: newKey() };
    await sendCommand(keeper, last.current.key, { kind: asked, reason });
    setSent(`${TEXTS[asked].done} ${new Date().toISOString().slice(11, 19)} UTC`);
  };
  return (
    <>
      <span role="status" className="dim">{sent}</span>
      <Button variant="contained" color="error" onClick={() => askFor("pause")}>Pause trading</Button>
      <Button variant="outlined" color="inherit" onClick={() => askFor("resume")}>Resume</Button>
      {asked === undefined ? null : (
        <ConfirmDialog
          title={`${TEXTS[asked].title}?`}
          confirm={TEXTS[asked].title}
          colour={asked === "pause" ? "error" : "primary"}
          reasonLabel="Reason, kept in the audit trail"
          act={act}
          close={() => setAsked(undefined)}
        >
          <p>{TEXTS[asked].effect}</p>
        </ConfirmDialog>
      )}
    </>
  );
}
