/** What goes wrong in a training becomes an error that says where that was. */

import { type Component, DeviceError, ready } from "../index.ts";
import { messageOf } from "../support/describe.ts";
import { DivergenceError, type Place, placeText, TrainingError } from "./training-error.ts";

/** The loss of a device that has led to an error; null if none has. */
export function lossIn(error: unknown): DeviceError | null {
  const cause = error instanceof Error ? error.cause : undefined;
  return error instanceof DeviceError && error.reason === "lost" ? error : cause === undefined ? null : lossIn(cause);
}

export class Faults {
  /**
   * @param next where the next step is
   * @param checkpoint its path, null if there is none
   */
  constructor(private readonly next: () => Place, private readonly checkpoint: string | null) {}

  error(message: string, options?: ErrorOptions, place: Place = { ...this.next(), batch: null }): TrainingError {
    return new TrainingError(message, place, options);
  }

  diverged(what: string, place: Place): DivergenceError {
    const kept = this.checkpoint === null ? "" : ` The checkpoint ${this.checkpoint} is as it was before.`;
    return new DivergenceError(
      `${what}.${kept} A smaller learning rate or clip: { norm: 1 } often helps; ` +
        "debug({ checkNumerics: true }) finds the operation that makes the first NaN or infinity.",
      place,
    );
  }

  /** @throws DivergenceError for parameters that are not */
  async checkFinite(component: Component): Promise<void> {
    await this.during("The parameters could not be read", () => ready(component.parameters()), true);
    const place = { ...this.next(), batch: null };
    for (const [name, parameter] of component.namedParameters()) {
      if (!parameter.data.every(Number.isFinite)) {
        throw this.diverged(`The parameter ${name} is no longer finite in epoch ${place.epoch}, after step ${place.step}`, place);
      }
    }
  }

  /** Runs a part of the training; what it throws becomes the cause of an error that says where that was. */
  async during<T>(what: string, part: () => T | Promise<T>, whole = false): Promise<T> {
    try {
      return await part();
    } catch (cause) {
      if (cause instanceof TrainingError) throw cause;
      const place = whole ? { ...this.next(), batch: null } : this.next();
      throw this.error(`${what}${whole ? "" : ` ${placeText(place)}`}: ${messageOf(cause)}`, { cause }, place);
    }
  }
}
