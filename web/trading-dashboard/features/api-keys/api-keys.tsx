// API keys for programs: what each may do, until when, from where; the key itself is shown once.
"use client";
import Button from "@mui/material/Button";
import { useState } from "react";
import type { ApiKeysView, ApiKeyView } from "@web/contracts";
import { ConfirmDialog } from "@web/components/confirm-dialog.tsx";
import { type Column, DataTable } from "@web/components/data-table.tsx";
import { useFetched } from "@web/components/fetched.ts";
import { utc } from "@web/components/format.ts";
import { Panel } from "@web/components/panel.tsx";
import { useSessionKeeper } from "@web/components/session.tsx";
import { NewApiKey } from "./new-api-key.tsx";

export function ApiKeys() {
  const keeper = useSessionKeeper();
  const fetched = useFetched<ApiKeysView>("/api/v1/api-keys");
  const [making, setMaking] = useState(false);
  const [revoking, setRevoking] = useState<ApiKeyView>();
  const [key, setKey] = useState<string>();
  const revoke = async (): Promise<void> => {
    await keeper.change<undefined>(`/api/v1/api-keys/${encodeURIComponent(revoking?.id ?? "")}`, { method: "DELETE" });
    await fetched.again();
  };
  const columns: readonly Column<ApiKeyView>[] = [
    { title: "Name", cell: (row) => <strong>{row.name}</strong> },
    { title: "May", cell: (row) => row.scopes.join(", ") },
    { title: "From", wrap: true, cell: (row) => row.cidrs.join(", ") || "anywhere" },
    { title: "Made", cell: (row) => utc(row.created_ms) },
    { title: "Ends", cell: (row) => utc(row.expires_ms) },
    { title: "Last used", cell: (row) => (row.used_ms > 0 ? utc(row.used_ms) : "never") },
    { title: "Action", cell: (row) => <Button className="in-row" variant="outlined" color="inherit" onClick={() => setRevoking(row)}>Revoke</Button> },
  ];
  return (
    <Panel title="API keys" actions={<Button variant="outlined" onClick={() => setMaking(true)}>New key</Button>}>
      <DataTable caption="API keys" columns={columns} rows={fetched.value?.keys} rowKey={(row) => row.id} stacked empty="No key. Programs send one as “Authorization: Bearer ak_…”." problem={fetched.problem} />
      {making ? (
        <NewApiKey
          close={() => setMaking(false)}
          made={async (fresh) => {
            setKey(fresh.key);
            await fetched.again();
          }}
        />
      ) : null}
      {key === undefined ? null : (
        <ConfirmDialog title="Keep this key" confirm="I have kept it" colour="primary" act={() => Promise.resolve()} close={() => setKey(undefined)}>
          <p>It is shown only now. Whoever has it may do what it may do.</p>
          <code className="secret">{key}</code>
        </ConfirmDialog>
      )}
      {revoking === undefined ? null : (
        <ConfirmDialog title={`Revoke “${revoking.name}”?`} confirm="Revoke" colour="error" act={revoke} close={() => setRevoking(undefined)}>
          <p>Programs that use it are refused within a second.</p>
        </ConfirmDialog>
      )}
    </Panel>
  );
}
