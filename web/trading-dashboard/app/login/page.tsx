// /login/
import { Footer } from "@web/components/app-bar.tsx";
import { SignInPage } from "../../features/sign-in/sign-in.tsx";

export default function Page() {
  return (
    <div className="door">
      <main>
        <SignInPage />
      </main>
      <Footer />
    </div>
  );
}
