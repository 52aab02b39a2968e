// The HTML document around every page of both apps.
import InitColorSchemeScript from "@mui/material/InitColorSchemeScript";
import type { ReactNode } from "react";
import { Providers } from "./providers.tsx";
import "./style.css";

export function Document({ children }: { readonly children: ReactNode }) {
  return (
    <html lang="en" suppressHydrationWarning>
      <body>
        <InitColorSchemeScript attribute="class" defaultMode="dark" />
        <Providers>{children}</Providers>
      </body>
    </html>
  );
}
