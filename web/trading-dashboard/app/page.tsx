// The trading page, for the signed in.
import { SignedIn } from "@web/components/session.tsx";
import { PlatformProvider } from "../shared/platform-context.tsx";
import { TradingPage } from "./trading-page.tsx";

export default function Page() {
  return (
    <SignedIn home="/">
      <PlatformProvider>
        <TradingPage />
      </PlatformProvider>
    </SignedIn>
  );
}
