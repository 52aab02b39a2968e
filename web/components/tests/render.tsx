// Show a component in happy-dom and wait for React to have settled.
import { act, type ReactNode } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach } from "vitest";

(globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;
const roots: Root[] = [];

afterEach(async () => {
  for (const root of roots.splice(0)) await act(async () => root.unmount());
  document.body.replaceChildren();
});

export async function render(node: ReactNode): Promise<HTMLElement> {
  const place = document.body.appendChild(document.createElement("div"));
  const root = createRoot(place);
  roots.push(root);
  await act(async () => root.render(node));
  return place;
}

/** Click the button with this text, wherever it is on the page; dialogs stand outside of their parents. */
export async function press(text: string): Promise<void> {
  const button = [...document.querySelectorAll("button")].find((each) => each.textContent === text);
  if (button === undefined) throw new Error(`there is no button ${text}`);
  await act(async () => button.click());
}

export async function type(field: HTMLInputElement, text: string): Promise<void> {
  await act(async () => {
    // React listens to the native setter: a plain assignment is taken for its own.
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value")?.set?.call(field, text);
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
}
