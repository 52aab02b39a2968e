// /security/
import { SignedIn } from "@web/components/session.tsx";
import { SecurityPage } from "../security-page.tsx";

export default function Page() {
  return (
    <SignedIn home="/security/">
      <SecurityPage />
    </SignedIn>
  );
}
