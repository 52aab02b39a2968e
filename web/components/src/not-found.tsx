// What is shown for an address that leads nowhere.
import { Notice } from "./notice.tsx";

export function NotFound() {
  return (
    <Notice title="There is no such page">
      <a href="/">Go to the trading page</a>
    </Notice>
  );
}
