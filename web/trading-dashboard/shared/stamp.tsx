// A moment in a table: short on screen, to the millisecond when pointed at.
import { utcShort } from "@web/components/format.ts";

export function Stamp({ ms }: { readonly ms: number }) {
  return ms > 0 ? <time dateTime={new Date(ms).toISOString()} title={new Date(ms).toISOString()}>{utcShort(ms)}</time> : <>–</>;
}
