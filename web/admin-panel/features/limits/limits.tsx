// Risk limits with four eyes: what holds, what was proposed, and who said yes or no.
"use client";
import Button from "@mui/material/Button";
import { useState } from "react";
import type { LimitProposalView, LimitsView, RiskLimitsView } from "@web/contracts";
import { ConfirmDialog } from "@web/components/confirm-dialog.tsx";
import { type Column, DataTable } from "@web/components/data-table.tsx";
import { useFetched } from "@web/components/fetched.ts";
import { utc } from "@web/components/format.ts";
import { Panel } from "@web/components/panel.tsx";
import { useSession, useSessionKeeper } from "@web/components/session.tsx";
import { Propose } from "./propose.tsx";
import { accountOf, inWords, mayApprove } from "./words.ts";

const PROPOSERS = new Set(["admin", "risk_manager", "trader"]);
const COLOURS: Readonly<Record<string, string>> = { waiting: "wait", applied: "good", rejected: "bad", expired: "bad" };

interface Verdict {
  readonly proposal: LimitProposalView;
  readonly word: "approve" | "reject";
}

function decision(row: LimitProposalView): string {
  if (row.state === "waiting") return `until ${utc(row.expires_ms)}`;
  return row.decided_by === "" ? utc(row.decided_ms) : `${row.decided_by}, ${utc(row.decided_ms)}`;
}

export function Limits() {
  const keeper = useSessionKeeper();
  const { role } = useSession();
  const fetched = useFetched<RiskLimitsView>("/api/v1/limits");
  const [proposing, setProposing] = useState<{ limits: LimitsView | undefined }>();
  const [verdict, setVerdict] = useState<Verdict>();
  const may = PROPOSERS.has(role);
  const act = async ({ proposal, word }: Verdict): Promise<void> => {
    await keeper.change(`/api/v1/limits/${encodeURIComponent(proposal.id)}/${word}`, { method: "POST" });
    await fetched.again();
  };
  const held: readonly Column<LimitsView>[] = [
    { title: "Account", cell: (row) => <strong>{accountOf(row.account)}</strong> },
    { title: "Limits", wrap: true, cell: inWords },
    { title: "Set by", cell: (row) => row.changed_by },
    { title: "Since", cell: (row) => utc(row.changed_ms) },
    { title: "Action", cell: (row) => may ? <Button className="in-row" variant="outlined" color="inherit" onClick={() => setProposing({ limits: row })}>Change</Button> : null },
  ];
  const proposals: readonly Column<LimitProposalView>[] = [
    { title: "Account", cell: (row) => <strong>{accountOf(row.account)}</strong> },
    { title: "Proposed", wrap: true, cell: inWords },
    { title: "By", cell: (row) => row.own ? `${row.proposed_by} (you)` : row.proposed_by },
    { title: "Reason", wrap: true, cell: (row) => row.because },
    { title: "State", cell: (row) => <span className={`tag ${COLOURS[row.state] ?? "wait"}`}>{row.state}</span> },
    { title: "Decided", cell: decision },
    {
      title: "Action",
      cell: (row) => row.state !== "waiting" || !may ? null : (
        <>
          {mayApprove(row, role) ? <Button className="in-row" variant="outlined" onClick={() => setVerdict({ proposal: row, word: "approve" })}>Approve</Button> : null}
          <Button className="in-row" variant="outlined" color="inherit" onClick={() => setVerdict({ proposal: row, word: "reject" })}>{row.own ? "Withdraw" : "Reject"}</Button>
        </>
      ),
    },
  ];
  return (
    <>
      <Panel title="Risk limits" actions={may ? <Button variant="outlined" onClick={() => setProposing({ limits: undefined })}>New limits</Button> : null}>
        <DataTable caption="Risk limits" columns={held} rows={fetched.value?.limits} rowKey={(row) => row.account} stacked empty="Only the operator's own limits hold." problem={fetched.problem} />
      </Panel>
      <Panel title="Proposals">
        <DataTable caption="Proposals" columns={proposals} rows={fetched.value?.proposals} rowKey={(row) => row.id} stacked empty="Nothing was proposed." />
      </Panel>
      {proposing === undefined ? null : <Propose limits={proposing.limits} known={fetched.value?.limits ?? []} done={fetched.again} close={() => setProposing(undefined)} />}
      {verdict === undefined ? null : (
        <ConfirmDialog title={verdict.word === "approve" ? "Approve these limits?" : "Say no to these limits?"} confirm={verdict.word === "approve" ? "Approve" : "Say no"} colour={verdict.word === "approve" ? "success" : "error"} act={() => act(verdict)} close={() => setVerdict(undefined)}>
          <p>{accountOf(verdict.proposal.account)}: {inWords(verdict.proposal)}, proposed by {verdict.proposal.proposed_by}.</p>
        </ConfirmDialog>
      )}
    </>
  );
}
