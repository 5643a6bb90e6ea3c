/** For tests of what must not wait: a device that cannot be waited for, and the same on the reference device. */

import { afterAll, afterEach, expect } from "vitest";
import { deviceByName, useDevice } from "../../src/devices/current.ts";
import type { Device } from "../../src/devices/device.ts";
import { seed, setDevice } from "../../src/index.ts";
import { DelayingDevice, type DelayingOptions } from "./delaying.ts";

const made: DelayingDevice[] = [];

/** Chooses such a device, until the test ends. */
export function unwaited(options: DelayingOptions = {}): DelayingDevice {
  const device = new DelayingDevice({ canWait: false, delay: 0.01, seed: made.length + 1, ...options });
  made.push(device);
  useDevice(device);
  return device;
}

/** What a program gives where nothing waits, and on the reference device: the same. */
export async function onBoth<T>(program: () => Promise<T>, device = unwaited()): Promise<T> {
  seed(5);
  useDevice(device);
  const found = await program();
  expect(device.waits).toBe(0);
  await setDevice("reference");
  seed(5);
  expect(found).toEqual(await program());
  return found;
}

/** The error of a promise. */
export const errorOf = (promise: Promise<unknown>): Promise<Error> => promise.then(() => { throw new Error("no error"); }, (error: Error) => error);

afterEach(() => { useDevice(deviceByName("wasm") as Device); });
afterAll(async () => { await Promise.all(made.splice(0).map((device) => device.close())); });
