// The server's clock as the browser knows it: every age on screen is reckoned against it, not against the PC's clock.

/** Shapes: `now` is UTC ms of the server; `local` a monotonic reading in ms (performance.now). */
export class ServerClock {
  private offset: number | undefined;
  private setAt = 0;

  constructor(private readonly local: () => number) {}

  /** Take a stamp of the server. The largest offset of late is the least delayed one; it fades so that drift is followed. */
  hear(serverMs: number): void {
    const local = this.local();
    const offset = serverMs - local;
    if (this.offset === undefined || offset >= this.offset || local - this.setAt > 30_000) {
      this.offset = offset;
      this.setAt = local;
    }
  }

  /** UTC ms by the server's clock, or undefined before the server was heard. */
  now(): number | undefined {
    return this.offset === undefined ? undefined : this.local() + this.offset;
  }
}
