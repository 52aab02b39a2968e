// Hold the live stream open: reconnect with jitter, notice silence and lost messages, and say which of these it is.
import type { StreamMessage } from "@web/contracts";
import { waitMs } from "./backoff.ts";
import { parseStreamMessage } from "./parse-stream-message.ts";
import { Sequence } from "./sequence.ts";

export type StreamState = "connecting" | "live" | "silent" | "lost";

/** The part of WebSocket that is used, so that tests can play the server. */
export interface Socket {
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: never) => void) | null;
  send(text: string): void;
  close(): void;
}

export interface StreamPorts {
  open(): Socket;
  /** What the server wants to hear first: good once, for a short while. */
  ticket(): Promise<string>;
  later(run: () => void, ms: number): () => void;
  random(): number;
  onMessage(message: StreamMessage): void;
  onState(state: StreamState): void;
  /** Messages may have been missed: after each (re)connect and after a gap. Fetch the REST snapshots now. */
  onBehind(why: "connected" | "gap"): void;
  /** A connection failed or ended: the session may be over. */
  onLost(): void;
}

/** Heartbeats come every second: without any for this long, the socket is dead even if nobody said so. */
export const SILENT_AFTER_MS = 3_500;
export const GIVE_UP_AFTER_MS = 8_000;

/** Call `start` once and `stop` when the page goes. */
export class Stream {
  private socket: Socket | undefined;
  private attempt = 0;
  private cancels: (() => void)[] = [];
  private state: StreamState | undefined;
  /** Frames that were not messages. */
  refused = 0;
  gaps = 0;

  constructor(private readonly ports: StreamPorts) {}

  start(): void {
    if (this.socket !== undefined) return;
    this.say("connecting");
    const sequence = new Sequence();
    const socket = this.ports.open();
    this.socket = socket;
    this.watch();
    socket.onopen = () => {
      this.ports.ticket().then(
        (ticket) => this.socket === socket && socket.send(ticket),
        () => this.lose(socket),
      );
      this.ports.onBehind("connected");
    };
    socket.onmessage = (event) => this.hear(event.data, sequence);
    socket.onclose = () => this.lose(socket);
  }

  stop(): void {
    this.drop();
    this.calm();
  }

  /** Do not wait any longer: the network is back, or a person asks. */
  retryNow(): void {
    if (this.socket !== undefined) return;
    this.calm();
    this.start();
  }

  private hear(data: unknown, sequence: Sequence): void {
    const message = parseStreamMessage(data);
    this.watch();
    if (message === undefined) {
      this.refused += 1;
      return;
    }
    this.attempt = 0;
    this.say("live");
    const missing = sequence.missing(message.q);
    this.ports.onMessage(message);
    if (missing > 0) {
      this.gaps += 1;
      this.ports.onBehind("gap");
    }
  }

  private watch(): void {
    this.calm();
    this.cancels = [
      this.ports.later(() => this.state === "live" && this.say("silent"), SILENT_AFTER_MS),
      this.ports.later(() => this.socket && this.lose(this.socket), GIVE_UP_AFTER_MS),
    ];
  }

  private lose(socket: Socket): void {
    if (this.socket !== socket) return;
    this.drop();
    this.calm();
    this.say("lost");
    this.ports.onLost();
    const wait = waitMs(this.attempt, this.ports.random());
    this.attempt += 1;
    this.cancels = [this.ports.later(() => this.start(), wait)];
  }

  private drop(): void {
    const socket = this.socket;
    this.socket = undefined;
    if (socket === undefined) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  private calm(): void {
    for (const cancel of this.cancels) cancel();
    this.cancels = [];
  }

  private say(state: StreamState): void {
    if (this.state === state) return;
    this.state = state;
    this.ports.onState(state);
  }
}
