/** A library that computes wrong products is refused, and one that is slow is warned of. */

import { afterEach, expect, it, vi } from "vitest";
import { checkBlas } from "../../../src/devices/native/check.ts";
import { NativeDevice } from "../../../src/devices/native/native.ts";
import { DeviceError } from "../../../src/index.ts";
import { type PlainBlas, plainBlas } from "./blas-in-plain.ts";

afterEach(() => vi.restoreAllMocks());

/** The check, of a BLAS that is made of loops: so it is slow. */
function check(change: (blas: PlainBlas) => void = () => {}): { device: NativeDevice; warnings: string[]; called: PlainBlas["called"] } {
  const warnings: string[] = [];
  vi.spyOn(console, "warn").mockImplementation((text) => { warnings.push(text); });
  const blas = plainBlas();
  change(blas);
  const device = new NativeDevice(blas);
  checkBlas(device);
  return { device, warnings, called: blas.called };
}

it("calls gemm and gemv, lets a right one pass, warns of a slow one, and leaves the threads as they were", () => {
  const { device, warnings, called } = check();
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(/^Plain BLAS 1\.0, takes [\d.]+ times as long .*OPENBLAS_CORETYPE=SkylakeX/);
  expect(called.gemm).toBeGreaterThan(4);
  expect(called.gemv).toBe(4);
  expect(device.team.limit).toBe(null);
});

it.each([0.01, -1, 1e30, NaN])("refuses one that is off by %s", (off) => {
  const refused = (): void => { check((blas) => { blas.off = off; }); };
  expect(refused).toThrow(DeviceError);
  expect(refused).toThrow(/^Plain BLAS 1\.0 computes wrong products: an element .* is off by .* where rounding explains .* FLIMSY_BLAS/);
});

it("refuses one that adds to what is there where nothing is to be added", () => {
  const refused = (): void => {
    check(({ calls }) => {
      const { gemm } = calls;
      Object.assign(calls, { gemm: (...values: Parameters<typeof gemm>) => gemm(...values.with(11, 1)) });
    });
  };
  expect(refused).toThrow(/computes wrong products: .*NaN/);
});
