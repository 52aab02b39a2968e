// What is shown when a page of ours has broken: it says so, instead of showing old numbers.
"use client";
import Button from "@mui/material/Button";
import { Notice } from "./notice.tsx";

export function PageError({ error }: { readonly error: Error & { digest?: string } }) {
  return (
    <>
      <Notice title="This page has stopped">{error.message} Orders and strategies go on without it.</Notice>
      <p className="notice-action">
        <Button variant="contained" onClick={() => location.reload()}>Load the page again</Button>
      </p>
    </>
  );
}
