// Make a user with a first password, which the person changes on the security page.
"use client";
import TextField from "@mui/material/TextField";
import { useState } from "react";
import type { UserNew } from "@web/contracts";
import { ConfirmDialog } from "@web/components/confirm-dialog.tsx";
import { useSessionKeeper } from "@web/components/session.tsx";
import { RoleField } from "./role-field.tsx";

export function NewUser({ done, close }: { readonly done: () => Promise<void>; readonly close: () => void }) {
  const keeper = useSessionKeeper();
  const [name, setName] = useState("");
  const [role, setRole] = useState("viewer");
  const [password, setPassword] = useState("");
  const act = async (): Promise<void> => {
    const body: UserNew = { name: name.trim(), role, password };
    await keeper.change("/api/v1/users", { method: "POST", body });
    await done();
  };
  return (
    <ConfirmDialog title="New user" confirm="Make user" colour="primary" act={act} close={close}>
      <div className="fields">
        <TextField autoFocus required label="Name" autoComplete="off" value={name} onChange={(event) => setName(event.target.value)} slotProps={{ htmlInput: { maxLength: 64 } }} />
        <RoleField role={role} choose={setRole} />
        <TextField required label="First password" type="password" autoComplete="new-password" value={password} onChange={(event) => setPassword(event.target.value)} slotProps={{ htmlInput: { maxLength: 128 } }} />
      </div>
    </ConfirmDialog>
  );
}
