// The one WebSocket: reconnects for ever with bounded back-off, and never stays quiet about being lost.
import type { LiveMessage } from "./types.ts";

const QUIET_IS_LOST = 3_000;
/** Samples alone do not vouch for the gateway's decisions: its heartbeat does. */
const NO_HEARTBEAT_IS_LOST = 5_000;
const QUIET_IS_DEAD = 6_000;
const FIRST_WAIT = 500;
const LONGEST_WAIT = 5_000;

export interface LiveListener {
  message(message: LiveMessage): void;
  /** Told on every change. */
  lost(lost: boolean): void;
}

export class LiveConnection {
  private readonly url: string;
  private readonly listener: LiveListener;
  private socket: WebSocket | null = null;
  private wait = FIRST_WAIT;
  private heard = performance.now();
  private beat = performance.now();
  private openedAt = performance.now();
  private isLost = false;
  private retry: ReturnType<typeof setTimeout> | null = null;

  constructor(url: string, listener: LiveListener) {
    this.url = url;
    this.listener = listener;
  }

  start(): void {
    this.open();
    setInterval(() => this.watch(), 250);
    addEventListener("online", () => this.reconnect());
  }

  /** Drop the socket and take a new snapshot. */
  reconnect(): void {
    this.drop();
    this.schedule(0);
  }

  private open(): void {
    this.retry = null;
    this.openedAt = performance.now();
    const socket = new WebSocket(this.url);
    this.socket = socket;
    socket.onmessage = (event: MessageEvent<string>) => {
      if (socket !== this.socket) return;
      this.heard = performance.now();
      this.wait = FIRST_WAIT;
      const message = JSON.parse(event.data) as LiveMessage;
      if (message.type === "heartbeat" || message.type === "snapshot") this.beat = this.heard;
      this.listener.message(message);
      this.tell(this.isQuiet());
    };
    socket.onclose = () => {
      if (socket !== this.socket) return;
      this.drop();
      this.tell(true);
      this.schedule(this.wait);
      this.wait = Math.min(LONGEST_WAIT, this.wait * 2);
    };
  }

  private watch(): void {
    const now = performance.now();
    if (this.isQuiet()) this.tell(true);
    // A half-open connection never says that it is closed; an attempt gets its own full time.
    if (this.socket && now - Math.max(this.heard, this.openedAt) > QUIET_IS_DEAD) this.reconnect();
  }

  private isQuiet(): boolean {
    const now = performance.now();
    return now - this.heard > QUIET_IS_LOST || now - this.beat > NO_HEARTBEAT_IS_LOST;
  }

  private tell(lost: boolean): void {
    if (lost === this.isLost) return;
    this.isLost = lost;
    this.listener.lost(lost);
  }

  private drop(): void {
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  private schedule(wait: number): void {
    if (this.retry !== null) clearTimeout(this.retry);
    const jitter = wait * (0.75 + Math.random() / 2);
    this.retry = setTimeout(() => this.open(), jitter);
  }
}
