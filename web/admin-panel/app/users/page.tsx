// /admin/users/
import { SignedIn } from "@web/components/session.tsx";
import { UsersPage } from "../users-page.tsx";

export default function Page() {
  return (
    <SignedIn home="/admin/">
      <UsersPage />
    </SignedIn>
  );
}
