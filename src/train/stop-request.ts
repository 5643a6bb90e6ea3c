/** Ending a training from outside: Ctrl-C, an AbortSignal, a callback. Also giving way to the event loop, where these arrive. */

import type { Signal } from "../support/platform.ts";
import type { Stopped } from "./history.ts";
import { nodeProcess } from "./node.ts";

/** What is given instead of what was waited for, when a stop was asked for meanwhile. */
export const stopped: unique symbol = Symbol("stopped");

/** How long a training may keep the event loop waiting, in milliseconds, if its steps are shorter. */
const PATIENCE = 50;

export class StopRequest {
  /** Why to stop, null to go on. */
  reason: Stopped | null = null;
  /** Called when a stop is asked for: what waits need not wait any longer. */
  private wake: (() => void) | null = null;
  private last = performance.now();

  /** @param onInterrupt told of the first Ctrl-C; a second one has the effect that it has without fit, which is to end the process */
  constructor(private readonly signal: Signal | undefined, private readonly onInterrupt: () => void) {
    nodeProcess()?.on?.("SIGINT", this.interrupted);
    if (signal?.aborted) this.aborted();
    else signal?.addEventListener("abort", this.aborted);
  }

  /** Listens no longer. */
  close(): void {
    this.wake = null;
    nodeProcess()?.off?.("SIGINT", this.interrupted);
    this.signal?.removeEventListener("abort", this.aborted);
  }

  /** What a promise gives, or that a stop was asked for. Not Promise.race: that would leave something behind at a promise that lasts. */
  wait<T>(promise: T | PromiseLike<T>): T | Promise<T | typeof stopped> {
    if (!isPromise(promise)) return promise;
    return new Promise((resolve, reject) => {
      this.wake = () => resolve(stopped);
      const settle = (): void => { this.wake = null; };
      promise.then((result) => { settle(); resolve(result); }, (error) => { settle(); reject(error); });
      // What was said before must not wait for ever either, but for what is there already.
      if (this.reason === "interrupted" || this.reason === "aborted") turn().then(() => this.wake?.());
    });
  }

  stop(reason: Stopped): void {
    this.reason ??= reason;
    this.wake?.();
  }

  /** Lets signals, timers and input through, now and then. */
  async breathe(): Promise<void> {
    if (performance.now() - this.last < PATIENCE) return;
    await turn();
    this.last = performance.now();
  }

  private readonly interrupted = (): void => {
    nodeProcess()?.off("SIGINT", this.interrupted);
    this.stop("interrupted");
    this.onInterrupt();
  };

  private readonly aborted = (): void => this.stop("aborted");
}

const isPromise = <T>(value: T | PromiseLike<T>): value is PromiseLike<T> => typeof (value as { then?: unknown } | null | undefined)?.then === "function";

/**
 * One turn of the event loop. Node hears signals before it calls immediates, so the second one is certainly called after that. A browser delays
 * nested timers by 4 ms, but no messages.
 */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === "function") {
      setImmediate(() => setImmediate(resolve));
      return;
    }
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
