// @vitest-environment happy-dom
// What the shared components promise to a person.
import { act } from "react";
import { describe, expect, it, vi } from "vitest";
import { Refusal } from "../src/api.ts";
import { ConfirmDialog } from "../src/confirm-dialog.tsx";
import { DataTable } from "../src/data-table.tsx";
import { PageError } from "../src/page-error.tsx";
import { passwordProblem, SignInForm } from "../src/sign-in-form.tsx";
import { SourceBanner } from "../src/source-banner.tsx";
import { press, render, type } from "./render.tsx";

describe("the banner of price sources", () => {
  it("names what is simulated and what is replayed, with the accounts", async () => {
    const things = [
      { account: "2", source: "simulated" },
      { account: "1", source: "simulated" },
      { account: "3", source: "replay" },
      { account: "4", source: "live" },
      { account: "5", source: "live_simulated" },
    ] as const;
    const page = await render(<SourceBanner things={things} />);
    expect(page.textContent).toContain("Simulated prices: not live · account 1, 2");
    expect(page.textContent).toContain("Replayed prices: not live · account 3");
    expect(page.textContent).toContain("Live quotes, simulated account · account 5");
    expect(page.textContent).not.toContain("4");
  });

  it("says nothing about live prices", async () => {
    expect((await render(<SourceBanner things={[{ account: "4", source: "live" }]} />)).textContent).toBe("");
  });

  it("does not call prices live that nobody has reported", async () => {
    expect((await render(<SourceBanner things={undefined} />)).textContent).toContain("No terminal has reported yet");
  });
});

describe("a table", () => {
  const columns = [{ title: "Name", cell: (row: string) => row }];
  const table = (rows: readonly string[] | undefined, problem?: string) => (
    <DataTable caption="Things" columns={columns} rows={rows} rowKey={(row) => row} empty="No thing." problem={problem} chosen={(row) => row === "b"} />
  );

  it("tells loading, empty and broken apart", async () => {
    expect((await render(table(undefined))).textContent).toContain("Loading…");
    expect((await render(table([]))).textContent).toContain("No thing.");
    const broken = await render(table(undefined, "The gateway cannot be reached."));
    expect(broken.querySelector("[role=alert]")?.textContent).toBe("The gateway cannot be reached.");
    expect(broken.textContent).not.toContain("Loading…");
  });

  it("marks the chosen row and can be scrolled by keyboard", async () => {
    const page = await render(table(["a", "b"]));
    expect(page.querySelector("tr.chosen")?.textContent).toBe("b");
    expect(page.querySelector(".scroll")?.getAttribute("tabindex")).toBe("0");
  });
});

describe("a confirmation", () => {
  const reason = (): HTMLInputElement => document.querySelector("input") as HTMLInputElement;

  it("asks for a reason before it lets go, and passes it on trimmed", async () => {
    const send = vi.fn(() => Promise.resolve());
    const close = vi.fn();
    await render(<ConfirmDialog title="Pause?" confirm="Pause now" colour="error" reasonLabel="Reason" act={send} close={close}>Nothing new is opened.</ConfirmDialog>);
    await press("Pause now");
    expect(send).not.toHaveBeenCalled();
    await type(reason(), "  news at two  ");
    await press("Pause now");
    expect(send).toHaveBeenCalledWith("news at two");
    expect(close).toHaveBeenCalledOnce();
  });

  it("stays open with the server's sentence when it is refused", async () => {
    const close = vi.fn();
    const refused = (): Promise<void> => Promise.reject(new Refusal(403, "role", "Your role may only look."));
    await render(<ConfirmDialog title="Buy?" confirm="Buy now" colour="success" act={refused} close={close}>At market.</ConfirmDialog>);
    await press("Buy now");
    expect(document.querySelector("[role=alert]")?.textContent).toBe("Your role may only look.");
    expect(close).not.toHaveBeenCalled();
  });
});

describe("the sign-in form", () => {
  const submit = (page: HTMLElement): Promise<void> =>
    act(async () => {
      page.querySelector("form")?.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
    });

  it("sends the name and the password, and shows why it was refused", async () => {
    const send = vi.fn(() => Promise.reject(new Refusal(401, "wrong", "The name or the password is wrong.")));
    const page = await render(<SignInForm title="Sign in" lead="" confirm="Sign in" send={send} />);
    const [name, password] = page.querySelectorAll("input");
    await type(name as HTMLInputElement, " ann ");
    await type(password as HTMLInputElement, " secret ");
    await submit(page);
    expect(send).toHaveBeenCalledWith("ann", " secret ");
    expect(page.textContent).toContain("The name or the password is wrong.");
  });

  it("wants a long new password, twice the same", () => {
    expect(passwordProblem("short", "short")).toContain("12");
    expect(passwordProblem("long enough it is", "long enough it was")).toContain("differ");
    expect(passwordProblem("long enough it is", "long enough it is")).toBeUndefined();
  });
});

describe("a page that has broken", () => {
  it("says so and why", async () => {
    const page = await render(<PageError error={new Error("The chart cannot be drawn.")} />);
    expect(page.textContent).toContain("This page has stopped");
    expect(page.textContent).toContain("The chart cannot be drawn.");
  });
});
