// The people of the tenant: role, second factor, whether they may sign in, and what an administrator can change.
"use client";
import Button from "@mui/material/Button";
import { useState } from "react";
import type { UsersView, UserView } from "@web/contracts";
import { type Column, DataTable } from "@web/components/data-table.tsx";
import { useFetched } from "@web/components/fetched.ts";
import { utc, words } from "@web/components/format.ts";
import { Panel } from "@web/components/panel.tsx";
import { useSession } from "@web/components/session.tsx";
import { EditUser } from "./edit-user.tsx";
import { NewUser } from "./new-user.tsx";

/** What someone proves besides the password. */
export function factors(user: UserView): string {
  const parts = [user.totp ? "app" : "", user.passkeys > 0 ? `${user.passkeys} passkey${user.passkeys > 1 ? "s" : ""}` : ""];
  return parts.filter((part) => part !== "").join(", ");
}

export function Users() {
  const { user_id } = useSession();
  const fetched = useFetched<UsersView>("/api/v1/users");
  const [making, setMaking] = useState(false);
  const [editing, setEditing] = useState<UserView>();
  const columns: readonly Column<UserView>[] = [
    { title: "Name", cell: (row) => <strong>{row.name}</strong> },
    { title: "Role", cell: (row) => words(row.role) },
    { title: "Second factor", cell: (row) => factors(row) || <span className="tag wait">none</span> },
    { title: "State", cell: (row) => <span className={`tag ${row.disabled ? "bad" : "good"}`}>{row.disabled ? "disabled" : "active"}</span> },
    { title: "Made", cell: (row) => utc(row.created_ms) },
    { title: "Action", cell: (row) => row.id === user_id ? <span className="dim">you</span> : <Button className="in-row" variant="outlined" color="inherit" onClick={() => setEditing(row)}>Change</Button> },
  ];
  return (
    <Panel title="Users" actions={<Button variant="outlined" onClick={() => setMaking(true)}>New user</Button>}>
      <DataTable caption="Users" columns={columns} rows={fetched.value?.users} rowKey={(row) => row.id} stacked empty="No user." problem={fetched.problem} />
      {making ? <NewUser done={fetched.again} close={() => setMaking(false)} /> : null}
      {editing === undefined ? null : <EditUser user={editing} done={fetched.again} close={() => setEditing(undefined)} />}
    </Panel>
  );
}
