// Pause or resume trading for the whole tenant: whether it is paused, and two steps and a reason to change it.
"use client";
import Button from "@mui/material/Button";
import { useRef, useState } from "react";
import { ConfirmDialog } from "@web/components/confirm-dialog.tsx";
import { useSession, useSessionKeeper } from "@web/components/session.tsx";
import { mayTrade, newKey, sendCommand } from "../../shared/commands.ts";
import { useLink } from "../../shared/platform-context.tsx";

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

/** What can be asked for now: only what would change something, and both while nobody knows. */
export function offered(paused: boolean | undefined): readonly Kind[] {
  if (paused === undefined) return ["pause", "resume"];
  return paused ? ["resume"] : ["pause"];
}

/** Cannot be missed or closed: it stays until trading is resumed. */
export function PausedBanner() {
  const { paused } = useLink();
  return (
    <div role="status" className={paused === true ? "banner paused" : "visually-hidden"}>
      {paused === true ? (
        <div>
          Trading paused <span>· no new risk is taken on any account; open positions can be closed</span>
        </div>
      ) : null}
    </div>
  );
}

export function PauseButtons() {
  const keeper = useSessionKeeper();
  const allowed = mayTrade(useSession().role);
  const kinds = offered(useLink().paused);
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
      {kinds.includes("pause") ? <Button variant="contained" color="error" onClick={() => askFor("pause")}>Pause trading</Button> : null}
      {kinds.includes("resume") ? <Button variant="outlined" color="inherit" onClick={() => askFor("resume")}>Resume trading</Button> : null}
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
