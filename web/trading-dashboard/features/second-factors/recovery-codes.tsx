// Ten recovery codes, shown this once.
"use client";
import { ConfirmDialog } from "@web/components/confirm-dialog.tsx";

export function RecoveryCodes({ codes, close }: { readonly codes: readonly string[]; readonly close: () => void }) {
  return (
    <ConfirmDialog title="Keep these recovery codes" confirm="I have kept them" colour="primary" act={() => Promise.resolve()} close={close}>
      <p>Each one signs you in once when your phone or passkey is out of reach. They are shown only now: print them or keep them in a password manager.</p>
      <ol className="codes">
        {codes.map((code) => <li key={code}><code>{code}</code></li>)}
      </ol>
    </ConfirmDialog>
  );
}
