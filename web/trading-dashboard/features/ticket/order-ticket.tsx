// A market order for the chosen symbol: side, volume, a confirmation, and what the server said.
"use client";
import Button from "@mui/material/Button";
import TextField from "@mui/material/TextField";
import { useState } from "react";
import type { OrderRequest, Side } from "@web/contracts";
import { ConfirmDialog } from "@web/components/confirm-dialog.tsx";
import { decimal, volume as readVolume } from "@web/components/format.ts";
import { useSession, useSessionKeeper } from "@web/components/session.tsx";
import type { Quote } from "@web/components/tick-store.ts";
import { mayTrade, newKey, sendCommand } from "../../shared/commands.ts";
import { Live } from "../../shared/live.tsx";
import { useChosen, useLedger, useQuote } from "../../shared/platform-context.tsx";
import { firstVolume, volumeHint, volumeProblem } from "./volume-rules.ts";

const NOT_LIVE = {
  simulated: "The prices of this account are simulated.",
  replay: "The prices of this account are replayed.",
  live_simulated: "Live quotes, simulated account: no order reaches an exchange.",
} as const;

interface Asked {
  readonly order: OrderRequest;
  readonly key: string;
}

function SideButton({ side, quote, ask }: { readonly side: Side; readonly quote: Quote; readonly ask: (side: Side) => void }) {
  const buy = side === "BUY";
  return (
    <Button className="side" variant="contained" color={buy ? "success" : "error"} onClick={() => ask(side)}>
      <span>{buy ? "Buy" : "Sell"}</span>
      <Live key={quote.key} of={quote.key} field={buy ? "ask" : "bid"} className="number plain" />
    </Button>
  );
}

function Ticket({ quote }: { readonly quote: Quote }) {
  const keeper = useSessionKeeper();
  const account = useLedger().accounts?.find((each) => each.account === quote.account);
  const [typed, setTyped] = useState<string>();
  const [asked, setAsked] = useState<Asked>();
  const [tried, setTried] = useState(false);
  const [sent, setSent] = useState("");
  const text = typed ?? firstVolume(quote);
  const problem = volumeProblem(text, quote);
  const wrong = tried && problem !== undefined;
  const ask = (side: Side): void => {
    const volume = readVolume(text);
    setTried(true);
    if (volume === undefined || problem !== undefined) return;
    setAsked({ order: { account: quote.account, symbol: quote.symbol, side, volume }, key: newKey() });
  };
  const act = async (): Promise<void> => {
    if (asked === undefined) return;
    const accepted = await sendCommand(keeper, asked.key, { kind: "place_order", order: asked.order });
    setSent(`Command ${accepted.id} is on its way: see Orders for what comes of it.`);
  };
  const verb = asked?.order.side === "BUY" ? "Buy" : "Sell";
  return (
    <div className="body ticket">
      <p>
        <strong>{quote.symbol}</strong> <span className="dim">at market · account {quote.account}</span>
      </p>
      <TextField
        label="Volume in lots"
        value={text}
        onChange={(event) => setTyped(event.target.value)}
        error={wrong}
        helperText={wrong ? problem : volumeHint(quote)}
        slotProps={{ htmlInput: { inputMode: "decimal", autoComplete: "off", maxLength: 15 } }}
      />
      <div className="sides">
        <SideButton side="SELL" quote={quote} ask={ask} />
        <SideButton side="BUY" quote={quote} ask={ask} />
      </div>
      {account?.trade_allowed === false ? <p className="problem">This account may not trade: {account.trade_blocked_because}</p> : null}
      <p role="status" className="dim">{sent}</p>
      {asked === undefined ? null : (
        <ConfirmDialog
          title={`${verb} ${decimal(asked.order.volume)} lots of ${asked.order.symbol}?`}
          confirm={`${verb} at market`}
          colour={asked.order.side === "BUY" ? "success" : "error"}
          act={act}
          close={() => setAsked(undefined)}
        >
          <p>A market order on account {asked.order.account}. The price may differ from the one shown.</p>
          {quote.source === "live" ? null : <p className="warn">{NOT_LIVE[quote.source]}</p>}
        </ConfirmDialog>
      )}
    </div>
  );
}

export function OrderTicket() {
  const quote = useQuote(useChosen().chosen);
  const allowed = mayTrade(useSession().role);
  if (!allowed) return null;
  return (
    <section className="panel order" aria-labelledby="ticket-title">
      <header>
        <h2 id="ticket-title">Order</h2>
      </header>
      {quote === undefined ? <p className="empty">Choose a symbol first.</p> : <Ticket key={quote.key} quote={quote} />}
    </section>
  );
}
