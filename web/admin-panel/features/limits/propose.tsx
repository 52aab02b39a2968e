// Propose other limits: lower ones hold at once, higher ones wait for another person.
"use client";
import TextField from "@mui/material/TextField";
import { useState } from "react";
import type { LimitProposalView, LimitsView } from "@web/contracts";
import { ConfirmDialog } from "@web/components/confirm-dialog.tsx";
import { useSessionKeeper } from "@web/components/session.tsx";
import { accountOf, wishOf } from "./words.ts";

interface Props {
  /** What holds now; undefined proposes for an account that has none. */
  readonly limits: LimitsView | undefined;
  /** All that hold: a new one may name an account that has some already. */
  readonly known: readonly LimitsView[];
  readonly done: () => Promise<void>;
  readonly close: () => void;
}

export function Propose({ limits, known, done, close }: Props) {
  const keeper = useSessionKeeper();
  const [account, setAccount] = useState(limits?.account ?? "");
  const [volume, setVolume] = useState(limits?.max_volume ?? "");
  const [orders, setOrders] = useState(limits?.max_orders_per_minute?.toString() ?? "");
  const [symbols, setSymbols] = useState(limits?.allowed_symbols.join(", ") ?? "");
  const act = async (because: string): Promise<void> => {
    const version = (limits ?? known.find((each) => each.account === account.trim()))?.version ?? 0;
    const body = wishOf(account.trim(), volume, orders, symbols, because, version);
    await keeper.change<LimitProposalView>("/api/v1/limits", { method: "POST", body });
    await done();
  };
  return (
    <ConfirmDialog title={limits === undefined ? "New limits" : `Limits of ${accountOf(limits.account)}`} confirm="Propose" colour="primary" reasonLabel="Reason, kept in the audit trail" act={act} close={close}>
      <p className="lead">Lower limits hold at once. Higher ones wait until another person approves them, for a day.</p>
      <div className="fields">
        <TextField label="Account" disabled={limits !== undefined} helperText="Empty: every account." value={account} onChange={(event) => setAccount(event.target.value)} slotProps={{ htmlInput: { maxLength: 32 } }} />
        <TextField label="Lots per order, at most" helperText="Empty: no limit of its own." value={volume} onChange={(event) => setVolume(event.target.value)} slotProps={{ htmlInput: { inputMode: "decimal", maxLength: 16 } }} />
        <TextField label="Orders a minute, at most" helperText="Per strategy. Empty: no limit of its own." value={orders} onChange={(event) => setOrders(event.target.value)} slotProps={{ htmlInput: { inputMode: "numeric", maxLength: 6 } }} />
        <TextField label="Symbols" helperText="With commas between them. Empty: no limit of its own." value={symbols} onChange={(event) => setSymbols(event.target.value)} slotProps={{ htmlInput: { maxLength: 2000 } }} />
      </div>
    </ConfirmDialog>
  );
}
