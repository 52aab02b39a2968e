// A page's worth of one message: shown while something is awaited, or when there is nothing else to show.
import type { ReactNode } from "react";

export function Notice({ title, children }: { readonly title: string; readonly children?: ReactNode }) {
  return (
    <main className="notice" aria-live="polite">
      <h1>{title}</h1>
      {children === undefined ? null : <p>{children}</p>}
    </main>
  );
}
