// Change what a user may do, lock them out, take away a lost second factor, end their sessions.
"use client";
import Checkbox from "@mui/material/Checkbox";
import FormControlLabel from "@mui/material/FormControlLabel";
import { useState } from "react";
import type { UserPatch, UserView } from "@web/contracts";
import { ConfirmDialog } from "@web/components/confirm-dialog.tsx";
import { useSessionKeeper } from "@web/components/session.tsx";
import { RoleField } from "./role-field.tsx";

interface Props {
  readonly user: UserView;
  readonly done: () => Promise<void>;
  readonly close: () => void;
}

function Tick({ label, on, set }: { readonly label: string; readonly on: boolean; readonly set: (on: boolean) => void }) {
  return <FormControlLabel control={<Checkbox checked={on} onChange={(event) => set(event.target.checked)} />} label={label} />;
}

export function EditUser({ user, done, close }: Props) {
  const keeper = useSessionKeeper();
  const [role, setRole] = useState(user.role);
  const [disabled, setDisabled] = useState(user.disabled);
  const [reset, setReset] = useState(false);
  const [end, setEnd] = useState(false);
  const path = `/api/v1/users/${encodeURIComponent(user.id)}`;
  const act = async (): Promise<void> => {
    const body: UserPatch = { role: role === user.role ? null : role, disabled: disabled === user.disabled ? null : disabled, reset_second_factor: reset };
    if (body.role !== null || body.disabled !== null || reset) await keeper.change(path, { method: "PATCH", body });
    if (end) await keeper.change(`${path}/sessions`, { method: "DELETE" });
    await done();
  };
  return (
    <ConfirmDialog title={`Change ${user.name}`} confirm="Save" colour="primary" act={act} close={close}>
      <div className="fields">
        <RoleField role={role} choose={setRole} />
        <Tick label="Disabled: may not sign in; sessions and API keys end within a second" on={disabled} set={setDisabled} />
        <Tick label="Take away the second factor (lost phone or passkey); the person adds a new one" on={reset} set={setReset} />
        <Tick label="End all sessions" on={end} set={setEnd} />
      </div>
    </ConfirmDialog>
  );
}
