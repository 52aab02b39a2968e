// Whether everyone of the tenant must have a second factor.
"use client";
import Button from "@mui/material/Button";
import { useState } from "react";
import type { PeopleRulesView } from "@web/contracts";
import { ConfirmDialog } from "@web/components/confirm-dialog.tsx";
import { useFetched } from "@web/components/fetched.ts";
import { Panel } from "@web/components/panel.tsx";
import { useSessionKeeper } from "@web/components/session.tsx";

export function PeopleRules() {
  const keeper = useSessionKeeper();
  const fetched = useFetched<PeopleRulesView>("/api/v1/people-rules");
  const [asking, setAsking] = useState(false);
  const required = fetched.value?.mfa_required;
  const act = async (): Promise<void> => {
    const body: PeopleRulesView = { mfa_required: required !== true };
    await keeper.change("/api/v1/people-rules", { method: "PUT", body });
    await fetched.again();
  };
  const verb = required === true ? "Make it optional" : "Require it";
  return (
    <Panel title="Second factor for everyone" actions={<Button color="inherit" disabled={required === undefined} onClick={() => setAsking(true)}>{verb}</Button>}>
      {fetched.problem === undefined ? null : <p className="problem" role="alert">{fetched.problem}</p>}
      <p className="body">
        {required === undefined ? "Loading…" : required ? "Required: whoever has none adds one before doing anything else." : "Optional: each person decides on the security page. Live accounts ask for a fresh proof in any case."}
      </p>
      {asking ? (
        <ConfirmDialog title={`${verb}?`} confirm={verb} colour="primary" act={act} close={() => setAsking(false)}>
          <p>{required === true ? "People may sign in with a password alone again." : "People without a second factor can do nothing but add one from now on. Make sure that you have one yourself."}</p>
        </ConfirmDialog>
      ) : null}
    </Panel>
  );
}
