// The admin page, for the signed in.
import { SignedIn } from "@web/components/session.tsx";
import { AdminPage } from "./admin-page.tsx";

export default function Page() {
  return (
    <SignedIn home="/admin/">
      <AdminPage />
    </SignedIn>
  );
}
