import type { EpochRecord } from "./history.ts";
import type { StepEvent } from "./options.ts";

/** What is told of a training as it goes: metrics files, progress. */
export interface Listener {
  /** Makes what is to be written, at the beginning of a training. One that is resumed is told of a step first, and writes nothing before. */
  begin?(): void;
  step?(event: Omit<StepEvent, "stop">): void;
  epoch?(record: EpochRecord, improved: boolean): void;
  /** Brings everything to the disk. */
  flush?(): void;
  close(): void;
}
