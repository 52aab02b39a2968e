// /admin/limits/
import { SignedIn } from "@web/components/session.tsx";
import { LimitsPage } from "../limits-page.tsx";

export default function Page() {
  return (
    <SignedIn home="/admin/">
      <LimitsPage />
    </SignedIn>
  );
}
