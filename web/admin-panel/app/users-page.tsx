// The page of the people of a tenant, for administrators.
"use client";
import { AppBar, Footer } from "@web/components/app-bar.tsx";
import { useSession } from "@web/components/session.tsx";
import { PeopleRules } from "../features/users/people-rules.tsx";
import { Users } from "../features/users/users.tsx";
import { OnlyAdmins } from "../shared/only-admins.tsx";

export function UsersPage() {
  const { tenant } = useSession();
  return (
    <div className="frame">
      <AppBar here="users" />
      <OnlyAdmins>
        <main id="main" className="admin">
          <h1 className="visually-hidden">Users of {tenant}</h1>
          <Users />
          <PeopleRules />
        </main>
      </OnlyAdmins>
      <Footer />
    </div>
  );
}
