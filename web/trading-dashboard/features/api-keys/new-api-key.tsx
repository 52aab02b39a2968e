// Make an API key: its name, what it may do, how long and from where.
"use client";
import Checkbox from "@mui/material/Checkbox";
import FormControlLabel from "@mui/material/FormControlLabel";
import TextField from "@mui/material/TextField";
import { useState } from "react";
import type { ApiKeyMade, ApiKeyNew } from "@web/contracts";
import { ConfirmDialog } from "@web/components/confirm-dialog.tsx";
import { useSessionKeeper } from "@web/components/session.tsx";

/** What stands in the field as a list of networks: separated by commas, spaces or lines. */
export function networks(text: string): string[] {
  return text.split(/[\s,;]+/).filter((each) => each !== "");
}

export function NewApiKey({ made, close }: { readonly made: (fresh: ApiKeyMade) => Promise<void>; readonly close: () => void }) {
  const keeper = useSessionKeeper();
  const [name, setName] = useState("");
  const [days, setDays] = useState("90");
  const [cidrs, setCidrs] = useState("");
  const [trade, setTrade] = useState(false);
  const act = async (): Promise<void> => {
    const body: ApiKeyNew = { name: name.trim(), scopes: trade ? ["read", "trade"] : ["read"], days: Number(days), cidrs: networks(cidrs) };
    await made(await keeper.change<ApiKeyMade>("/api/v1/api-keys", { method: "POST", body }));
  };
  return (
    <ConfirmDialog title="New API key" confirm="Make key" colour="primary" act={act} close={close}>
      <div className="fields">
        <TextField autoFocus required label="Name" value={name} onChange={(event) => setName(event.target.value)} slotProps={{ htmlInput: { maxLength: 64 } }} />
        <TextField required label="Days until it ends" type="number" value={days} onChange={(event) => setDays(event.target.value)} slotProps={{ htmlInput: { min: 1, max: 365 } }} />
        <TextField label="Only from these networks" placeholder="203.0.113.0/24" helperText="Empty: from anywhere" value={cidrs} onChange={(event) => setCidrs(event.target.value)} slotProps={{ htmlInput: { maxLength: 400 } }} />
        <FormControlLabel control={<Checkbox checked={trade} onChange={(event) => setTrade(event.target.checked)} />} label="May place orders and pause trading; without this it only reads" />
      </div>
    </ConfirmDialog>
  );
}
