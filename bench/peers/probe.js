/**
 * What this machine's WebAssembly can do at most, by loops that do nothing else: multiply-adds in registers, and reading.
 * Limits for what is measured in the same run; not part of Flimsy.
 */

const [i32, f32, v128, end] = [0x7f, 0x7d, 0x7b, 0x0b];
const leb = (n) => (n < 128 ? [n] : [(n & 127) | 128, ...leb(n >> 7)]);
const section = (id, content) => [id, ...leb(content.length), ...content];
const get = (local) => [0x20, local];
const set = (local) => [0x21, local];
const range = (count, f) => Array.from({ length: count }, (_, i) => f(i)).flat();
const vector = { add: [0xfd, 0xe4, 0x01], multiply: [0xfd, 0xe6, 0x01], multiplyAdd: [0xfd, 0x85, 0x02], splat: [0xfd, 0x13], first: [0xfd, 0x1f, 0x00] };
const number = (x) => [0x43, ...new Uint8Array(Float32Array.of(x).buffer)];
/** From 0 to 8191: the numbers of i32.const are signed. */
const integer = (n) => [0x41, (n & 127) | 128, n >> 7];

/** Vectors in registers at a time: enough to hide the latency of an addition, few enough for 16 registers. */
const REGISTERS = 12;

/** A function (i32, i32) => f32 that ends with the sum of all registers. Locals 0 and 1 are its parameters, 2 and 3 for its use. */
function program(body) {
  const sum = [...range(REGISTERS, (k) => [...get(4 + k), ...(k === 0 ? [] : vector.add)]), ...vector.first];
  const code = [1, ...leb(2 + REGISTERS), v128, ...body, ...sum, end];
  return Uint8Array.from([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, [1, 0x60, 2, i32, i32, 1, f32]),
    ...section(2, [1, 1, 0x65, 1, 0x6d, 2, 0, 0]), // memory "e" "m"
    ...section(3, [1, 0]),
    ...section(7, [1, 1, 0x66, 0, 0]),
    ...section(10, [1, ...leb(code.length), ...code]),
  ]);
}

/** Repeats until local 0, from which `step` is taken after each turn, is 0. */
const loop = (body, step) => [0x03, 0x40, ...body, ...get(0), ...integer(step), 0x6b, 0x22, 0, 0x0d, 0, end];

/** Turns: each multiplies every register by a number and adds another. */
const arithmetic = (fused) => {
  const both = fused ? [...get(3), ...vector.multiplyAdd] : [...vector.multiply, ...get(3), ...vector.add];
  const factors = [...number(0.999), ...vector.splat, ...set(2), ...number(0.001), ...vector.splat, ...set(3)];
  return program([...factors, ...loop(range(REGISTERS, (k) => [...get(4 + k), ...get(2), ...both, ...set(4 + k)]), 1)]);
};

/** Bytes to read, a multiple of BLOCK, and the address: adds every vector to a register. */
const BLOCK = 16 * REGISTERS;
const reading = program(loop([
  ...range(REGISTERS, (k) => [...get(4 + k), ...get(1), 0xfd, 0x00, 4, ...leb(16 * k), ...vector.add, ...set(4 + k)]),
  ...get(1), ...integer(BLOCK), 0x6a, ...set(1),
], BLOCK));

const compiled = (bytes, memory) => new WebAssembly.Instance(new WebAssembly.Module(bytes), { e: { m: memory } }).exports.f;

/** The median of seconds that a call takes, warm. */
function seconds(f, rounds = 21) {
  const samples = [];
  for (const end = performance.now() + 200; performance.now() < end;) f();
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    f();
    samples.push((performance.now() - start) / 1000);
  }
  return samples.sort((a, b) => a - b)[rounds >> 1];
}

/** GFLOP/s of multiplying and adding vectors of 128 bits in registers; fused where the engine has it. */
export function peakRate() {
  const fused = WebAssembly.validate(arithmetic(true));
  const f = compiled(arithmetic(fused), new WebAssembly.Memory({ initial: 0 }));
  const turns = 1_000_000;
  return { rate: (turns * REGISTERS * 8) / seconds(() => f(turns, 0)) / 1e9, fused };
}

/** GB/s of reading some bytes again and again: from whichever cache they fit into. */
export function readRate(bytes) {
  const size = Math.max(1, Math.floor(bytes / BLOCK)) * BLOCK;
  const memory = new WebAssembly.Memory({ initial: Math.ceil(size / 65_536) });
  new Float32Array(memory.buffer).fill(1); // pages that were never written are all the same one
  const f = compiled(reading, memory);
  const times = Math.max(1, Math.round(2e7 / size));
  return (size * times) / seconds(() => { for (let i = 0; i < times; i++) f(size, 0); }) / 1e9;
}
