// Metadata of every page: the icon's address is the same for both apps, whatever folder they are served from.
import type { Metadata } from "next";

export function pageMetadata(title: string, description: string): Metadata {
  return { title, description, icons: { icon: "/icon.svg" }, manifest: "/manifest.webmanifest", robots: { index: false } };
}
