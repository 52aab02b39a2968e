// Choose a role; each says what it may do.
"use client";
import MenuItem from "@mui/material/MenuItem";
import TextField from "@mui/material/TextField";
import { words } from "@web/components/format.ts";
import { meaning, ROLES } from "./roles.ts";

export function RoleField({ role, choose }: { readonly role: string; readonly choose: (role: string) => void }) {
  return (
    <TextField select label="Role" value={role} helperText={meaning(role)} onChange={(event) => choose(event.target.value)}>
      {ROLES.map((each) => <MenuItem key={each} value={each}>{words(each)}</MenuItem>)}
    </TextField>
  );
}
