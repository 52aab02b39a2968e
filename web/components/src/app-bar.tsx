// The bar on top of both dashboards: where one is, what can be done, who is signed in, and the way out.
"use client";
import Button from "@mui/material/Button";
import { useColorScheme } from "@mui/material/styles";
import { type ReactNode, useState, useSyncExternalStore } from "react";
import { sentenceOf } from "./api.ts";
import { useSession, useSessionKeeper } from "./session.tsx";

const noSubscription = (): (() => void) => () => undefined;

function ThemeButton() {
  const { mode, systemMode, setMode } = useColorScheme();
  const inBrowser = useSyncExternalStore(noSubscription, () => true, () => false);
  const dark = (mode === "system" ? systemMode : mode) !== "light";
  if (!inBrowser) return null;
  return (
    <Button color="inherit" onClick={() => setMode(dark ? "light" : "dark")}>
      {dark ? "Light theme" : "Dark theme"}
    </Button>
  );
}

function SignOutButton() {
  const keeper = useSessionKeeper();
  const [problem, setProblem] = useState<string>();
  const leave = (): void => void keeper.signOut().catch((error: unknown) => setProblem(sentenceOf(error)));
  return (
    <>
      <Button color="inherit" onClick={leave}>Sign out</Button>
      {problem === undefined ? null : <span role="alert" className="down">{problem}</span>}
    </>
  );
}

export type Here = "trading" | "limits" | "services" | "users" | "security";

const PAGES: Readonly<Record<Here, { href: string; title: string; admin?: boolean }>> = {
  trading: { href: "/", title: "Trading" },
  limits: { href: "/admin/limits/", title: "Limits" },
  services: { href: "/admin/", title: "Services", admin: true },
  users: { href: "/admin/users/", title: "Users", admin: true },
  security: { href: "/security/", title: "Security" },
};

export function AppBar({ here, children }: { readonly here: Here; readonly children?: ReactNode }) {
  const session = useSession();
  return (
    <header className="bar">
      <a className="skip" href="#main">Skip to content</a>
      <span className="brand">aitrading <span>· MetaTrader 5</span></span>
      <nav aria-label="Pages">
        {/* Two exports: plain links, because the other pages may not be part of this app. */}
        {(Object.keys(PAGES) as Here[])
          .filter((page) => PAGES[page].admin !== true || session.role === "admin")
          .map((page) => (
            <a key={page} href={PAGES[page].href} aria-current={here === page ? "page" : undefined}>{PAGES[page].title}</a>
          ))}
      </nav>
      <div className="bar-group push">{children}</div>
      <div className="bar-group">
        <ThemeButton />
        <span className="dim">{session.name} ({session.role})</span>
        <SignOutButton />
      </div>
    </header>
  );
}

export function Footer() {
  return (
    <footer className="footer">
      <span>All times UTC. Money, volume and profit as the server gave them.</span>
      <span>
        Charts: <a href="https://www.tradingview.com/" rel="noreferrer">TradingView</a> Lightweight Charts™ ·{" "}
        <a href="/NOTICE.txt">Notices</a>
      </span>
    </footer>
  );
}
