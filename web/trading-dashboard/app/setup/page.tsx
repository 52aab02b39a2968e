// /setup/?code=…
import { Footer } from "@web/components/app-bar.tsx";
import { SetupPage } from "../../features/setup/setup.tsx";

export default function Page() {
  return (
    <div className="door">
      <main>
        <SetupPage />
      </main>
      <Footer />
    </div>
  );
}
