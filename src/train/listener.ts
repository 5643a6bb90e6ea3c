import type { EpochRecord } from "./history.ts";
import type { StepEvent } from "./options.ts";

/** What is told of a training as it goes: metrics files, progress. */
export interface Listener {
  step?(event: Omit<StepEvent, "stop">): void;
  epoch?(record: EpochRecord, improved: boolean): void;
  /** Brings everything to the disk. */
  flush?(): void;
  close(): void;
}
