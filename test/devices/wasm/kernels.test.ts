import { describe, expect, it } from "vitest";
import { KernelTable } from "../../../src/devices/wasm/kernels.ts";

describe("the table of kernels", () => {
  it("begins again where there was no memory for beginning anew", () => {
    let isFull = true;
    const env = { memory: new WebAssembly.Memory({ initial: 1 }), scratch: 0, fault: () => {}, host: () => {}, wait: () => {} };
    const table = new KernelTable(env, false, false, () => { if (isFull) throw new Error("no memory"); });
    let forgotten = 0;
    const follow = (): void => table.follow(() => { forgotten++; });
    expect(follow).toThrow("no memory");
    isFull = false;
    follow();
    expect(forgotten).toBe(2);
    expect(table.run).toBeTypeOf("function");
    follow();
    expect(forgotten).toBe(2);
  });
});
