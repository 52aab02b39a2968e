// Notice messages that were lost: the stream numbers them one after the other within a connection.

/** Give it each `q`; start a new one for each connection. */
export class Sequence {
  private last: number | undefined;

  /** How many messages are missing before this one; 0 when it follows the last, or is the first. */
  missing(q: number): number {
    const expected = this.last === undefined ? q : this.last + 1;
    this.last = q;
    return q === expected ? 0 : Math.max(1, q - expected);
  }
}
