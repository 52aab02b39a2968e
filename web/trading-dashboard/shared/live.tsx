// A number that follows the market: React renders the empty span once, the painter writes into it.
"use client";
import { useEffect, useRef } from "react";
import type { Field } from "@web/components/painter.ts";
import { usePlatform } from "./platform-context.tsx";

export function Live({ of, field, className }: { readonly of: string; readonly field: Field; readonly className?: string }) {
  const { painter } = usePlatform();
  const place = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    const element = place.current;
    return element === null ? undefined : painter.add(of, field, element);
  }, [painter, of, field]);
  return <span ref={place} className={className} />;
}
