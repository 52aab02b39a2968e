// "Confirm that it is you": opens when the server wants a fresh proof before something that matters.
"use client";
import Dialog from "@mui/material/Dialog";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import { useId, useSyncExternalStore } from "react";
import type { SecondFactor } from "@web/contracts";
import type { Doubts } from "./doubts.ts";
import { ProofForm } from "./proof-form.tsx";
import type { SessionKeeper } from "./session-keeper.ts";

export function StepUpDialog({ doubts, keeper }: { readonly doubts: Doubts; readonly keeper: SessionKeeper }) {
  const titleId = useId();
  const doubt = useSyncExternalStore(doubts.subscribe, () => doubts.open, () => undefined);
  if (doubt === undefined) return null;
  const send = async (proof: SecondFactor): Promise<void> => {
    await keeper.stepUp(proof);
    doubts.settle(true);
  };
  return (
    <Dialog open onClose={() => doubts.settle(false)} aria-labelledby={titleId}>
      <DialogTitle id={titleId}>Confirm that it is you</DialogTitle>
      <DialogContent>
        <p className="lead">{doubt.needed.reason}</p>
        <ProofForm needed={doubt.needed} confirm="Confirm" send={send} cancel={() => doubts.settle(false)} />
      </DialogContent>
    </Dialog>
  );
}
