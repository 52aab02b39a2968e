// A titled box: a heading, what can be done with it, and its body.
import { type ReactNode, useId } from "react";

export function Panel({ title, actions, children }: { readonly title: string; readonly actions?: ReactNode; readonly children: ReactNode }) {
  const titleId = useId();
  return (
    <section className="panel" aria-labelledby={titleId}>
      <header>
        <h2 id={titleId}>{title}</h2>
        <div className="bar-group push">{actions}</div>
      </header>
      {children}
    </section>
  );
}
