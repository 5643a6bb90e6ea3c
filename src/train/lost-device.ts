/** Going on after the device has been lost, with all that was on it alone. */

import { type Component, type DeviceName, setDevice } from "../index.ts";
import { messageOf } from "../support/describe.ts";
import { Checkpoint } from "./checkpoint.ts";
import { lossIn } from "./faults.ts";
import type { History } from "./history.ts";
import type { Settings } from "./options.ts";
import { Training } from "./training.ts";

/** Trains; where the device is lost, goes on from the checkpoint if that is asked for. */
export async function train<B, V>(component: Component, settings: Settings<B, V>): Promise<History> {
  let training = new Training(component, settings);
  for (let before: Error | null = null; ; ) {
    try {
      return await training.run();
    } catch (error) {
      if (before !== null && !training.isOpen) throw notResumed(before, error);
      const loss = lossIn(error);
      // A device that is lost again and again, with nothing saved in between, would be so for ever.
      const isFurther = before === null ? training.isOpen : training.hasSaved;
      if (settings.onDeviceLost === undefined || loss === null || !isFurther || training.stop.reason !== null) throw error;
      before = error as Error;
      training = await resumed(component, settings, loss.device as DeviceName).catch((second) => { throw notResumed(error as Error, second); });
    }
  }
}

function notResumed(error: Error, why: unknown): Error {
  error.message += ` It could not be resumed: ${messageOf(why)}`;
  return error;
}

/** The training that goes on from the checkpoint, on the device made anew. */
async function resumed<B, V>(component: Component, settings: Settings<B, V>, device: DeviceName): Promise<Training<B, V>> {
  const checkpoint = { ...(settings.checkpoint as NonNullable<typeof settings.checkpoint>), resume: true, overwrite: false };
  await setDevice(device);
  // Before anything looks at them: arrays that only the device had have no numbers.
  await new Checkpoint(checkpoint, component, settings.optimizer).restore();
  return new Training(component, { ...settings, checkpoint });
}
