// The document of the admin panel.
import type { Viewport } from "next";
import type { ReactNode } from "react";
import { Document } from "@web/components/document.tsx";
import { pageMetadata } from "@web/components/page-metadata.ts";
import "./admin.css";

export const metadata = pageMetadata("Services · aitrading", "Health of the platform's services and of the terminals' feeds");
export const viewport: Viewport = { width: "device-width", initialScale: 1, colorScheme: "dark light" };

export default function Layout({ children }: { readonly children: ReactNode }) {
  return <Document>{children}</Document>;
}
