// Where one is signed in, and how to end it: one by one or everywhere else.
"use client";
import Button from "@mui/material/Button";
import { useState } from "react";
import type { SessionsView, SessionView } from "@web/contracts";
import { sentenceOf } from "@web/components/api.ts";
import { type Column, DataTable } from "@web/components/data-table.tsx";
import { useFetched } from "@web/components/fetched.ts";
import { utc } from "@web/components/format.ts";
import { Panel } from "@web/components/panel.tsx";
import { useSessionKeeper } from "@web/components/session.tsx";

const PROOFS: Readonly<Record<string, string>> = { pwd: "password", otp: "authenticator code", hwk: "passkey", rec: "recovery code", key: "API key" };

/** How someone signed in, in words; `mfa` only says that there were two. */
export function proofs(amr: readonly string[]): string {
  return amr.filter((each) => each !== "mfa").map((each) => PROOFS[each] ?? each).join(" + ") || "–";
}

export function Sessions() {
  const keeper = useSessionKeeper();
  const fetched = useFetched<SessionsView>("/api/v1/sessions");
  const [problem, setProblem] = useState<string>();
  const end = (path: string): void => {
    setProblem(undefined);
    keeper.change<undefined>(path, { method: "DELETE" }).then(fetched.again).catch((error: unknown) => setProblem(sentenceOf(error)));
  };
  const columns: readonly Column<SessionView>[] = [
    { title: "Signed in", cell: (row) => utc(row.created_ms) },
    { title: "Last seen", cell: (row) => utc(row.seen_ms) },
    { title: "From", cell: (row) => row.peer || "–" },
    { title: "With", wrap: true, cell: (row) => row.agent || row.kind },
    { title: "Proved by", cell: (row) => proofs(row.amr) },
    { title: "Action", cell: (row) => row.current ? <span className="tag good">this one</span> : <Button className="in-row" variant="outlined" color="inherit" onClick={() => end(`/api/v1/sessions/${encodeURIComponent(row.id)}`)}>End</Button> },
  ];
  const rows = fetched.value?.sessions;
  const others = rows?.some((row) => !row.current) === true;
  return (
    <Panel title="Sessions" actions={<Button color="inherit" disabled={!others} onClick={() => end("/api/v1/sessions")}>End all others</Button>}>
      <DataTable caption="Sessions" columns={columns} rows={rows} rowKey={(row) => row.id} stacked empty="No session." problem={problem ?? fetched.problem} />
    </Panel>
  );
}
