// The document of the trading dashboard.
import type { Viewport } from "next";
import type { ReactNode } from "react";
import { Document } from "@web/components/document.tsx";
import { pageMetadata } from "@web/components/page-metadata.ts";
import "./dashboard.css";

export const metadata = pageMetadata("Trading · aitrading", "Live prices, positions and orders of MetaTrader 5 accounts");
export const viewport: Viewport = { width: "device-width", initialScale: 1, colorScheme: "dark light" };

export default function Layout({ children }: { readonly children: ReactNode }) {
  return <Document>{children}</Document>;
}
