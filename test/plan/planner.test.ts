import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ReferenceDevice } from "../../src/devices/reference/reference.ts";
import { WasmDevice } from "../../src/devices/wasm/wasm.ts";
import { MemoryError } from "../../src/support/errors.ts";
import { bufferKey } from "../../src/plan/buffer-key.ts";
import { makePlan, type Root } from "../../src/plan/planner.ts";
import { LeafKind } from "../../src/plan/trace.ts";
import { Builder, launches, run, sizeOfNode } from "./build.ts";

const reference = new ReferenceDevice();
const wasm = new WasmDevice();
const plain = { fuse: false };
const keep = (...nodes: number[]): Root[] => nodes.map((node) => ({ node, target: null }));
const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

describe("a plan", () => {
  it("launches what its roots need, and nothing else", () => {
    const b = new Builder();
    const x = b.array([3], [1, 2, 3]);
    const unused = b.map("exp", x);
    const y = b.map("mul", x, b.number(2));
    b.sum(unused);
    const plan = makePlan(b.trace, keep(y), plain);
    expect(launches(plan)).toEqual(["map"]);
    expect(run(reference, b, plan, [3]).kept.map((v) => [...v])).toEqual([[2, 4, 6]]);
    expect(plan.program.scalars).toHaveLength(1);
    expect(launches(makePlan(b.trace, keep(x), plain))).toEqual([]);
    expect(launches(makePlan(b.trace, [], plain))).toEqual([]);
  });

  it("puts numbers first, then small arrays, at multiples of four", () => {
    const b = new Builder();
    const [x, y] = [b.array([5], count(5), LeafKind.host), b.array([2], [7, 8], LeafKind.host)];
    const sums = [b.number(1), b.number(2), b.number(3), b.number(4), b.number(5)].map((n) => b.map("add", x, n));
    const { program } = makePlan(b.trace, keep(...sums, b.map("exp", y)), plain);
    expect([...program.scalars]).toEqual([0, 1, 2, 3, 4]);
    expect([...program.hosts]).toEqual([8, 16]);
  });

  it("uses memory again", () => {
    const b = new Builder();
    let x = b.array([1000], count(1000));
    for (let i = 0; i < 100; i++) x = i % 3 === 2 ? b.concat(b.slice(x, 500, 500), b.slice(x, 0, 500)) : b.map("tanh", x);
    expect(makePlan(b.trace, keep(x), plain).program.arena).toBeLessThanOrEqual(2 * 1024);
  });

  it("works in place where elements are read one by one, and only there", () => {
    const b = new Builder();
    const x = b.map("exp", b.array([1000], count(1000)));
    const once = makePlan(b.trace, keep(b.map("tanh", x)), plain);
    expect(once.program.arena).toBeLessThanOrEqual(1024);
    const twice = makePlan(b.trace, keep(b.map("tanh", x), x), plain);
    expect(twice.program.arena).toBeGreaterThanOrEqual(2000);
  });

  it("gives views no memory and no launch", () => {
    const b = new Builder();
    const x = b.array([12], count(12));
    const matrix = b.reshape(b.slice(x, 2, 8), [2, 4]);
    const y = b.map("neg", x);
    const plan = makePlan(b.trace, keep(matrix, b.slice(y, 5, 3)), plain);
    expect(launches(plan)).toEqual(["map"]);
    expect(run(reference, b, plan, [8, 3]).kept.map((v) => [...v])).toEqual([[3, 4, 5, 6, 7, 8, 9, 10], [-6, -7, -8]]);
  });

  it("writes results straight into buffers, or copies them when the old values are still read", () => {
    const b = new Builder();
    const [x, y] = [b.array([3], [1, 2, 3]), b.array([3], [10, 20, 30])];
    const next = b.map("sub", x, y);
    const direct = makePlan(b.trace, [{ node: next, target: bufferKey.value(0) }], plain);
    expect(launches(direct)).toEqual(["map"]);
    expect([...reference.read(run(reference, b, direct, []).buffers.get(0) as never)]).toEqual([-9, -18, -27]);
    const later = b.map("mul", x, next);
    const copied = makePlan(b.trace, [{ node: next, target: bufferKey.value(0) }, { node: later, target: bufferKey.value(1) }], plain);
    expect(launches(copied)).toEqual(["map", "map", "copy"]);
    const { buffers } = run(reference, b, copied, []);
    expect([0, 2].map((key) => [...reference.read(buffers.get(key) as never)])).toEqual([[-9, -18, -27], [-9, -36, -81]]);
  });

  it("writes a result into several buffers", () => {
    const b = new Builder();
    const [x, y] = [b.array([3], [1, 2, 3]), b.array([3], [4, 5, 6])];
    const z = b.map("add", x, y);
    const plan = makePlan(b.trace, [{ node: z, target: 1 }, { node: z, target: 3 }, { node: b.reshape(z, [3, 1]), target: null }], plain);
    const { buffers, kept } = run(reference, b, plan, [3]);
    for (const values of [buffers.get(1), buffers.get(3)].map((buffer) => reference.read(buffer as never))) expect([...values]).toEqual([5, 7, 9]);
    expect([...kept[0]]).toEqual([5, 7, 9]);
  });

  it("leaves buffers alone until nothing can refuse its data any more", () => {
    const b = new Builder();
    const [x, before] = [b.array([3], [1, 2, 3]), b.array([3], [4, 5, 6])];
    const total = b.map("add", before, b.map("exp", x));
    const index = b.array([1], [7], LeafKind.host);
    const bad = b.apply("gather", [1], [x, index], [0]);
    for (const fuse of [false, true]) {
      const plan = makePlan(b.trace, [{ node: total, target: bufferKey.value(1) }, { node: bad, target: null }], { fuse });
      expect(launches(plan).at(-1)).toBe("copy");
      const safe = makePlan(b.trace, [{ node: total, target: bufferKey.gradient(1) }, { node: bad, target: null }], { fuse });
      expect(launches(safe)).not.toContain("copy");
    }
  });

  it("checks every value once, when it is complete", () => {
    const b = new Builder();
    const x = b.array([3], [1, 2, 3]);
    const joined = b.concat(b.map("exp", x), x, x);
    const { program } = makePlan(b.trace, keep(b.map("neg", joined)), { ...plain, checks: true });
    const checks = Array.from({ length: (program.checks as Int32Array).length / 4 }, (_, i) => [...(program.checks as Int32Array).slice(4 * i, 4 * i + 4)]);
    expect(checks.map(([launch, , , size]) => [launch, size])).toEqual([[0, 3], [3, 9], [4, 9]]);
  });

  it("refuses results that 32-bit sizes cannot describe", () => {
    for (const [m, n] of [[2 ** 16, 2 ** 16], [2 ** 31, 1], [2 ** 15 + 1, 2 ** 15]]) {
      const b = new Builder();
      const y = b.apply("add", [m, n], [b.array([m, 1], []), b.array([1, n], [])]);
      expect(() => makePlan(b.trace, keep(y), plain)).toThrow(MemoryError);
    }
  });

  it("is made in linear time", () => {
    const time = (n: number): number => {
      const b = new Builder();
      const x = b.array([4], [1, 2, 3, 4]);
      let y = x;
      for (let i = 0; i < n; i++) y = b.map("add", y, i % 2 === 0 ? x : y);
      const start = performance.now();
      makePlan(b.trace, keep(y), plain);
      return performance.now() - start;
    };
    const best = (n: number): number => Math.min(...Array.from({ length: 4 }, () => time(n)));
    // Sixteen times as many take about sixteen times as long; quadratic time would be 256.
    const small = best(10_000);
    expect(best(160_000)).toBeLessThan(100 * Math.max(1, small));
  });
});

describe("random traces", () => {
  /** A trace of sizes that share places in memory, with views, joins and broadcasts; roots in the arena and in buffers. */
  const traces = fc.record({
    steps: fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat(), fc.nat()), { minLength: 1, maxLength: 40 }),
    kept: fc.array(fc.nat(), { maxLength: 5 }),
    assigned: fc.array(fc.nat(), { minLength: 3, maxLength: 3 }),
  });

  function build({ steps }: { steps: readonly (readonly [number, number, number, number])[] }): { b: Builder; pool: number[] } {
    const b = new Builder();
    const pool = [0, 1, 2].map((k) => b.array([6], count(6).map((v) => Math.sin(v + k))));
    pool.push(b.array([3], [0.1, 0.2, 0.3], LeafKind.host), b.number(0.5), b.array([5], [1, 2, 3, 4, 5], LeafKind.resident));
    for (const [code, p, q, detail] of steps) {
      const [x, y] = [pool[p % pool.length], pool[q % pool.length]];
      const [n, m] = [sizeOfNode(b, x), sizeOfNode(b, y)];
      const isVector = b.shape(x).length === 1;
      switch (code % 9) {
        case 0: pool.push(b.map("tanh", x)); break;
        case 1: if (n === m && isVector && b.shape(y).length === 1) pool.push(b.map("add", x, y)); break;
        case 2: if (n === m && isVector && b.shape(y).length === 1) pool.push(b.map("sub", x, y)); break;
        case 3: if (isVector && b.shape(y).length === 0) pool.push(b.map("mul", x, y)); break;
        case 4: if (isVector && n > 1) pool.push(b.slice(x, detail % (n - 1), 1 + (detail % (n - (detail % (n - 1)))))); break;
        case 5: if (isVector && b.shape(y).length === 1 && n + m < 40) pool.push(b.concat(x, y)); break;
        case 6: if (isVector) pool.push(b.sum(x)); break;
        case 7: if (isVector) pool.push(b.reshape(b.map("neg", b.reshape(x, [1, n])), [n])); break;
        default: if (isVector && n < 7) {
          pool.push(b.apply("broadcastTo", [3, n], [x], [3, n]), b.apply("sum", [n], [pool[pool.length - 1]].map(() => b.trace.count - 1), [0, 0]));
        } break;
      }
    }
    return { b, pool };
  }

  it("give the same with memory used again, fused, and into buffers that they read, as with every value kept", () => {
    fc.assert(fc.property(traces, (drawn) => {
      const { b, pool } = build(drawn);
      const everything = makePlan(b.trace, [], { fuse: false, keepAll: true });
      const values = run(reference, b, everything, everything.results.map((_, node) => sizeOfNode(b, node))).kept;
      const sixes = pool.filter((node) => sizeOfNode(b, node) === 6);
      const roots: Root[] = [
        ...drawn.kept.map((k) => ({ node: pool[k % pool.length], target: null })),
        // As an optimizer does: new values for arrays that the trace reads. Kept roots are then no views of these.
        ...drawn.assigned.map((k, i) => ({ node: sixes[k % sixes.length], target: bufferKey.value(i) })),
      ];
      const isOfBuffer = (node: number): boolean =>
        b.trace.isLeaf(node) || (["slice", "reshape"].includes(b.trace.operations[node].name) && isOfBuffer(b.trace.input(node, 0)));
      const wanted = roots.filter(({ node, target }) => target !== null || !isOfBuffer(node));
      const keptNodes = wanted.filter(({ target }) => target === null).map(({ node }) => node);
      for (const fuse of [false, true]) {
        const plan = makePlan(b.trace, wanted, { fuse });
        for (const device of [reference, wasm]) {
          const { kept, buffers } = run(device, b, plan, keptNodes.map((node) => sizeOfNode(b, node)));
          const compare = (found: ArrayLike<number>, node: number): void => {
            expect(found.length).toBe(values[node].length);
            values[node].forEach((v, i) => { expect(Math.abs(found[i] - v)).toBeLessThanOrEqual(device === reference ? 0 : 1e-3 * (1 + Math.abs(v))); });
          };
          keptNodes.forEach((node, i) => { compare(kept[i], node); });
          wanted.forEach(({ node, target }) => { if (target !== null) compare(device.read(buffers.get(target) as never), node); });
          for (const buffer of buffers.values()) buffer.free();
        }
      }
    }), { numRuns: Number(process.env.FLIMSY_RUNS ?? 300), seed: Number(process.env.FLIMSY_SEED ?? 7) });
  }, 600_000);
});
