/** The files that a training writes besides checkpoints. */

import type { Listener } from "./listener.ts";
import { MetricsFile } from "./metrics.ts";
import { writable } from "./node.ts";
import type { Settings } from "./options.ts";
import { TensorBoardFile } from "./tensorboard.ts";
import type { SavedState } from "./training-state.ts";

export type Output = Listener & { readonly path: string; begin(): void };

/** Opens them, at the place where a saved training was. `run`: what the lines of metrics have as such; undefined if there are none. */
export function openOutputs(
  { metrics, tensorboard }: Pick<Settings<never, never>, "metrics" | "tensorboard">, saved: SavedState | null,
): { readonly files: readonly Output[]; readonly run: number | null | undefined } {
  const lines = metrics && writable(metrics.path, () => new MetricsFile(metrics, saved));
  const board = tensorboard && writable(tensorboard.folder, () => new TensorBoardFile(tensorboard, saved));
  return { files: [lines, board].filter((file) => file !== undefined), run: lines?.run };
}
