import { afterEach, describe, expect, it, vi } from "vitest";
import { currentDevice, deviceByName, renameDevice, usedDevices, useDevice } from "../../src/devices/current.ts";
import type { Device } from "../../src/devices/device.ts";
import { ReferenceDevice } from "../../src/devices/reference/reference.ts";
import { WasmDevice } from "../../src/devices/wasm/wasm.ts";
import {
  checkGradients, DeviceError, type DeviceName, evaluate, grad, input, mul, parameter, setDevice, sum, threads, UsageError, ValueError, type Variable,
} from "../../src/index.ts";
import { inFloat32 } from "../device.ts";
import { DelayingDevice } from "./delaying.ts";

afterEach(() => setDevice("wasm"));

describe("setDevice", () => {
  inFloat32()("chooses where steps run; wasm is the default", () => {
    expect(currentDevice().name).toBe("wasm");
    setDevice("reference");
    expect(currentDevice().name).toBe("reference");
    expect(threads(2)).toEqual({ count: 1, limit: 1, why: expect.stringContaining("reference device") });
    expect(mul(input(0.1), 1).item()).toBe(0.1);
    setDevice("wasm");
    expect(mul(input(0.1), 1).item()).toBe(Math.fround(0.1));
    expect(deviceByName("wasm")).toBe(currentDevice());
    expect(usedDevices().map((device) => device.name).sort()).toEqual(["reference", "wasm"]);
  });

  it.each(["gpu", "", "toString", "__proto__", "constructor", undefined, null, 3, {}])("refuses %s", (name) => {
    expect(() => setDevice(name as DeviceName)).toThrow(ValueError);
    expect(() => setDevice(name as DeviceName)).toThrow(/reference, wasm/);
    expect(currentDevice().name).toBe("wasm");
  });

  it("is refused inside a step, which goes on", () => {
    const w = parameter([1, 2]);
    const inStep = (): Variable => {
      expect(() => setDevice("reference")).toThrow(UsageError);
      expect(() => setDevice("wasm")).toThrow(/before the step/);
      return sum(w);
    };
    expect(grad(inStep).item()).toBe(3);
    expect(evaluate(inStep).item()).toBe(3);
    expect(currentDevice().name).toBe("wasm");
    expect(() => evaluate(() => setDevice("reference"))).toThrow(UsageError);
    setDevice("reference");
    expect(currentDevice().name).toBe("reference");
  });

  inFloat32()("keeps plans of each device apart", () => {
    const w = parameter([0.1, 0.2]);
    for (let run = 0; run < 10; run++) {
      setDevice(run % 2 === 0 ? "wasm" : "reference");
      w.clearGrad();
      const loss = grad(() => sum(mul(w, w)));
      const exact = run % 2 === 1;
      const [a, b] = [Math.fround(0.1), Math.fround(0.2)];
      if (exact) expect(loss.item()).toBe(a * a + b * b);
      else expect(loss.item()).toBeCloseTo(0.05, 7);
      expect(w.grad?.data).toBeInstanceOf(exact ? Float64Array : Float32Array);
    }
  });
});

describe("a device that has to be waited for", () => {
  const name = "reference";
  /** Has the name stand for devices that come when the test says so. */
  function later(): { come: (made?: Device) => Device; fail: (error: Error) => void }[] {
    const asked: ReturnType<typeof later> = [];
    renameDevice(name, () => new Promise<Device>((resolve, reject) => {
      asked.push({
        come: (made = new ReferenceDevice()) => {
          resolve(made);
          return made;
        },
        fail: reject,
      });
    }));
    return asked;
  }
  afterEach(() => renameDevice(name, () => new ReferenceDevice()));

  inFloat32()("is used when the promise resolves; until then steps run on the one before", async () => {
    const asked = later();
    const chosen = setDevice(name);
    expect(mul(input(0.1), 1).item()).toBe(Math.fround(0.1));
    await Promise.resolve();
    expect(currentDevice().name).toBe("wasm");
    const device = asked[0].come();
    await chosen;
    expect(currentDevice()).toBe(device);
    expect(mul(input(0.1), 1).item()).toBe(0.1);
    // It is there now.
    setDevice("wasm");
    setDevice(name);
    expect(currentDevice()).toBe(device);
    expect(asked.length).toBe(1);
  });

  it("is not used where another choice came after", async () => {
    const asked = later();
    const first = setDevice(name);
    setDevice("wasm");
    asked[0].come();
    await first;
    expect(currentDevice().name).toBe("wasm");
    renameDevice(name, () => new ReferenceDevice());
    const again = later();
    const both = [setDevice(name), setDevice(name)];
    // A wrong name and a call inside a step choose nothing.
    expect(() => setDevice("gpu" as DeviceName)).toThrow(ValueError);
    expect(() => evaluate(() => setDevice("wasm"))).toThrow(UsageError);
    const device = again[0].come();
    await Promise.all(both);
    expect(currentDevice()).toBe(device);
    expect(again.length).toBe(1);
  });

  it("changes nothing where it cannot be had, and is asked for again the next time", async () => {
    const asked = later();
    const chosen = setDevice(name);
    asked[0].fail(new DeviceError("no adapter", "missing"));
    await expect(chosen).rejects.toThrow("no adapter");
    expect(currentDevice().name).toBe("wasm");
    const next = setDevice(name);
    const device = asked[1].come();
    await next;
    expect(currentDevice()).toBe(device);
  });

  it("is there for the first step only where the program has waited", async () => {
    const fresh = await begun();
    let asked = 0;
    fresh.renameDevice(name, async () => {
      if (++asked === 2) return new ReferenceDevice();
      throw new DeviceError("no adapter", "missing"); // an unhandled rejection would fail the test run
    });
    fresh.standardDevice(name, "FLIMSY_DEVICE");
    expect(fresh.currentDevice).toThrow(/FLIMSY_DEVICE got reference, which has to be waited for.*await setDevice\("reference"\)/);
    await new Promise((resolve) => { setTimeout(resolve); });
    await fresh.setDevice(name);
    expect([fresh.currentDevice().name, asked]).toEqual([name, 2]);
  });
});

describe("a device that the first step waits for", () => {
  it("is made once, and not where another one has been chosen before", async () => {
    for (const isChosen of [false, true]) {
      const fresh = await begun();
      const made: Device[] = [];
      let isChosenNow = (): boolean => false;
      fresh.renameDevice("webgpu", () => Promise.reject(new Error("not by a promise")));
      fresh.standardDevice("webgpu", "FLIMSY_DEVICE", {
        webgpu: (isChosen) => {
          isChosenNow = isChosen;
          made.push(new ReferenceDevice());
          return made[made.length - 1];
        },
      });
      expect([made, fresh.usedDevices()]).toEqual([[], []]);
      if (isChosen) fresh.setDevice("reference");
      const device = fresh.currentDevice();
      expect([fresh.currentDevice() === device, made]).toEqual([true, isChosen ? [] : [device]]);
      if (isChosen) continue;
      expect([isChosenNow(), await fresh.setDevice("webgpu"), fresh.usedDevices()]).toEqual([true, undefined, made]);
      fresh.setDevice("reference");
      expect(isChosenNow()).toBe(false);
    }
  });

  it("is asked for again by the next step where it cannot be had", async () => {
    const fresh = await begun();
    let asked = 0;
    fresh.standardDevice("webgpu", "FLIMSY_DEVICE", {
      webgpu: () => {
        if (++asked === 2) return new ReferenceDevice();
        throw new DeviceError("no adapter", "missing");
      },
    });
    expect(fresh.currentDevice).toThrow("no adapter");
    expect([fresh.currentDevice().name, asked]).toEqual(["reference", 2]);
  });
});

/** A program that has just begun. */
async function begun() {
  vi.resetModules();
  return import("../../src/devices/current.ts");
}

describe("the device to begin with", () => {
  it("is made by the first step, where no other has been chosen before", async () => {
    for (const isChosen of [false, true]) {
      const fresh = await begun();
      let made = 0;
      fresh.renameDevice("reference", () => {
        made++;
        return new ReferenceDevice();
      });
      fresh.standardDevice("reference", "FLIMSY_DEVICE");
      expect([made, fresh.usedDevices()]).toEqual([0, []]);
      if (isChosen) fresh.setDevice("wasm");
      expect([fresh.currentDevice().name, fresh.currentDevice().name, made]).toEqual(isChosen ? ["wasm", "wasm", 0] : ["reference", "reference", 1]);
    }
  });

  it("has a name that there is", async () => {
    const fresh = await begun();
    expect(() => fresh.standardDevice("gpu" as DeviceName, "FLIMSY_DEVICE")).toThrow('FLIMSY_DEVICE got "gpu": there is no such device');
    expect(fresh.currentDevice().name).toBe("wasm");
  });
});

describe("a device that has been lost", () => {
  it("is made anew when its name is set again", async () => {
    const made: DelayingDevice[] = [];
    renameDevice("reference", () => {
      made.push(new DelayingDevice({ delay: 0 }));
      return made[made.length - 1];
    });
    try {
      const w = parameter([1, 2]);
      const loss = (): Variable => grad(() => sum(mul(w, w)));
      setDevice("reference");
      expect(loss().item()).toBe(5);
      made[0].lose("the driver has ended it");
      expect(() => loss().item()).toThrow(DeviceError);
      await setDevice("reference");
      expect(currentDevice()).toBe(made[1]);
      w.clearGrad(); // it was on the lost one alone
      expect(loss().item()).toBe(5);
      await setDevice("reference");
      expect(made.length).toBe(2);
      await setDevice("wasm");
    } finally {
      renameDevice("reference", () => new ReferenceDevice());
      await Promise.all(made.map((device) => device.close()));
    }
  });
});

describe("a device made in a particular way", () => {
  it("can be used, and checkGradients comes back to it", () => {
    const device = new WasmDevice({ fused: false });
    useDevice(device);
    const w = parameter([1, 2]);
    expect(grad(() => sum(mul(w, w))).item()).toBe(5);
    expect(checkGradients(() => sum(mul(w, w)), new Map([["w", w]])).ok).toBe(true);
    expect(currentDevice()).toBe(device);
    setDevice("wasm");
    expect(grad(() => sum(mul(w, w))).item()).toBe(5);
    expect(w.grad?.toArray()).toEqual([4, 8]);
  });
});

describe("where WebAssembly does not work", () => {
  const { Module, Memory } = WebAssembly;
  afterEach(() => {
    vi.unstubAllGlobals();
    Object.assign(WebAssembly, { Module, Memory });
    vi.resetModules();
  });

  it.each<[string, () => unknown, string]>([
    [
      "a policy forbids it",
      () => Object.assign(WebAssembly, { Module: class { constructor() { throw new WebAssembly.CompileError("the policy"); } } }),
      "CompileError: the policy",
    ],
    [
      "the system has no memory", () => Object.assign(WebAssembly, { Memory: class { constructor() { throw new RangeError("no memory"); } } }),
      "RangeError: no memory",
    ],
    ["the engine has none", () => vi.stubGlobal("WebAssembly", undefined), "TypeError: "],
  ])("because %s, a DeviceError says so, and the reference device computes", async (_, forbid, reason) => {
    vi.resetModules();
    const fresh = await import("../../src/index.ts");
    forbid();
    const uses = [
      () => fresh.grad(() => fresh.sum(fresh.parameter([1]))), () => fresh.evaluate(() => 1), () => fresh.input([1]), () => fresh.setDevice("wasm"),
      () => fresh.threads(),
    ];
    for (const use of uses) {
      expect(use).toThrow(fresh.DeviceError);
      expect(use).toThrow(`WebAssembly does not work here (${reason}`);
      expect(use).toThrow(/script-src 'wasm-unsafe-eval'.*setDevice\("reference"\)/);
    }
    fresh.setDevice("reference");
    const w = fresh.parameter([1, 2]);
    expect(fresh.grad(() => fresh.sum(w.mul(w))).item()).toBe(5);
    expect(w.grad?.toArray()).toEqual([2, 4]);
    expect(fresh.memory().parameters).toBeGreaterThan(0);
  });
});
