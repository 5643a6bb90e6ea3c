import { describe, expect, it } from "vitest";
import { input, setDevice, type Variable, ValueError } from "../../src/index.ts";
import { CheckpointError, inspect, readTensors, serializeTensors } from "../../src/io/index.ts";
import { inFloat32 } from "../device.ts";

/** Made by the Python package safetensors 0.8.0: tensors of several types, and those of them that are float32. */
const official = Buffer.from(
  "eAIAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJtYWRlIjoiYnkgc2FmZXRlbnNvcnMifSwic3RlcHMiOnsiZHR5cGUiOiJJNjQiLCJzaGFwZSI6WzJdLCJkYXRhX29mZnNldHMiOlswLDE2" +
    "XX0sImQiOnsiZHR5cGUiOiJGNjQiLCJzaGFwZSI6WzFdLCJkYXRhX29mZnNldHMiOlsxNiwyNF19LCJlbXB0eSI6eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpbMCwzXSwiZGF0YV9vZmZz" +
    "ZXRzIjpbMjQsMjRdfSwibGF5ZXJzLjAudyI6eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpbMiwyXSwiZGF0YV9vZmZzZXRzIjpbMjQsNDBdfSwiw6lcIlxcXG4iOnsiZHR5cGUiOiJGMzIi" +
    "LCJzaGFwZSI6W10sImRhdGFfb2Zmc2V0cyI6WzQwLDQ0XX0sIu+8gCI6eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpbMV0sImRhdGFfb2Zmc2V0cyI6WzQ0LDQ4XX0sIvCfmIAiOnsiZHR5" +
    "cGUiOiJGMzIiLCJzaGFwZSI6WzFdLCJkYXRhX29mZnNldHMiOls0OCw1Ml19LCJiIjp7ImR0eXBlIjoiRjE2Iiwic2hhcGUiOls0XSwiZGF0YV9vZmZzZXRzIjpbNTIsNjBdfSwidTgi" +
    "OnsiZHR5cGUiOiJVOCIsInNoYXBlIjpbMl0sImRhdGFfb2Zmc2V0cyI6WzYwLDYyXX0sIm1hc2siOnsiZHR5cGUiOiJCT09MIiwic2hhcGUiOlsyXSwiZGF0YV9vZmZzZXRzIjpbNjIs" +
    "NjRdfX0gICAgIAMAAAAAAAAA/P////////9VVVVVVVXVPwAAgD8AACDAzczMPUdEAwAAAOBAAACAPwAAAEAAAGYu/3sBgAD/AQA=", "base64");
const official32 = Buffer.from(
  "MAEAAAAAAAB7ImVtcHR5Ijp7ImR0eXBlIjoiRjMyIiwic2hhcGUiOlswLDNdLCJkYXRhX29mZnNldHMiOlswLDBdfSwibGF5ZXJzLjAudyI6eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpb" +
    "MiwyXSwiZGF0YV9vZmZzZXRzIjpbMCwxNl19LCLDqVwiXFxcbiI6eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpbXSwiZGF0YV9vZmZzZXRzIjpbMTYsMjBdfSwi77yAIjp7ImR0eXBlIjoi" +
    "RjMyIiwic2hhcGUiOlsxXSwiZGF0YV9vZmZzZXRzIjpbMjAsMjRdfSwi8J+YgCI6eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpbMV0sImRhdGFfb2Zmc2V0cyI6WzI0LDI4XX19ICAgAACA" +
    "PwAAIMDNzMw9R0QDAAAA4EAAAIA/AAAAQA==", "base64");

/** A file by hand: header text (padded or not, as it is) and data. */
function file(header: string | object, data: ArrayLike<number> = [], length?: bigint): Uint8Array {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(Array.from(data), 8 + text.length);
  return bytes;
}
const bytesOf = (array: ArrayBufferView): Uint8Array => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
const one = (dtype: string, data: ArrayBufferView, shape: number[]): Uint8Array =>
  file({ x: { dtype, shape, data_offsets: [0, data.byteLength] } }, bytesOf(data));
const values = (bytes: Uint8Array): number[] => Array.from((readTensors(bytes).get("x") as Variable).data);

describe("files of the reference implementation", () => {
  inFloat32()("are read", () => {
    const tensors = readTensors(official);
    const plain = Object.fromEntries([...tensors].map(([name, tensor]) => [name, tensor.toArray()]));
    expect(plain).toEqual({
      steps: [3, -4], d: [Math.fround(1 / 3)], empty: [], "layers.0.w": [[1, -2.5], [Math.fround(0.1), Math.fround(3e-40)]], 'é"\\\n': 7,
      "\uff00": [1], "\u{1F600}": [2], b: [0, 0.0999755859375, 65504, -(2 ** -24)], u8: [0, 255], mask: [1, 0],
    });
    expect(tensors.get("empty")?.shape).toEqual([0, 3]);
    expect(inspect(official).metadata).toEqual({ made: "by safetensors" });
    expect(inspect(official).tensors[0]).toEqual({ name: "steps", dtype: "I64", shape: [2] });
  });

  inFloat32()("are written byte for byte, whatever the order is in which tensors are given", () => {
    const tensors = [...readTensors(official32)];
    expect(Buffer.from(serializeTensors(new Map(tensors.reverse()))).equals(official32)).toBe(true);
  });

  inFloat32()("keep float64 on the reference device, and round it on the others", () => {
    setDevice("reference");
    try {
      const bytes = serializeTensors({ x: input([1 / 3]) }, { metadata: { a: "b" } });
      expect(inspect(bytes)).toEqual({ tensors: [{ name: "x", dtype: "F64", shape: [1] }], step: 0, metadata: { a: "b" } });
      expect(values(bytes)).toEqual([1 / 3]);
      setDevice("wasm");
      expect(values(bytes)).toEqual([Math.fround(1 / 3)]);
    } finally {
      setDevice("wasm");
    }
  });
});

describe("types", () => {
  it.each([
    ["F64", Float64Array.of(0.5, -0, NaN, -Infinity), [0.5, -0, NaN, -Infinity]],
    ["BF16", Uint16Array.of(0x3f80, 0xc020, 0x0001, 0x7f80, 0x7fc0), [1, -2.5, 2 ** -133, Infinity, NaN]],
    ["F16", Uint16Array.of(0x3c00, 0xc100, 0x03ff, 0x0001, 0x7bff, 0xfc00, 0x7e00, 0x8000), [1, -2.5, 1023 * 2 ** -24, 2 ** -24, 65504, -Infinity, NaN, -0]],
    ["I8", Int8Array.of(-128, 127), [-128, 127]], ["U8", Uint8Array.of(0, 255), [0, 255]],
    ["I16", Int16Array.of(-32768), [-32768]], ["U16", Uint16Array.of(65535), [65535]],
    ["I32", Int32Array.of(-(2 ** 24), 5), [-(2 ** 24), 5]], ["U32", Uint32Array.of(2 ** 24), [2 ** 24]],
    ["I64", BigInt64Array.of(-5n), [-5]], ["U64", BigUint64Array.of(7n), [7]], ["BOOL", Uint8Array.of(0, 1), [0, 1]],
  ])("%s", (dtype, data, expected) => {
    expect(values(one(dtype, data, [data.length]))).toEqual(expected);
  });

  it("reads every half-precision number", () => {
    const all = Uint16Array.from({ length: 2 ** 16 }, (_, i) => i);
    const found = values(one("F16", all, [all.length]));
    // By the definition, with other means: digits in base 2.
    found.forEach((value, i) => {
      const [sign, exponent, fraction] = [(i >> 15) & 1, (i >> 10) & 31, i & 1023];
      const size =
        exponent === 31 ? (fraction ? NaN : Infinity) : exponent === 0 ? fraction / 2 ** 24 : Number(`${(1024 + fraction) * 2 ** exponent}`) / 2 ** 25;
      expect(Object.is(value, sign ? -size : size)).toBe(true);
    });
  });

  inFloat32()("refuses what would not stay what it is, and types without numbers", () => {
    expect(() => readTensors(one("I32", Int32Array.of(2 ** 24 + 1), [1]))).toThrow(ValueError);
    expect(() => readTensors(one("I64", BigInt64Array.of(-(2n ** 60n)), [1])))
      .toThrow(/"x" has the integer -1152921504606847000: float32 holds integers exactly only up to 2\^24/);
    expect(() => readTensors(one("F64", Float64Array.of(1e39), [1]))).toThrow(/"x" has 1e\+39, which is beyond float32/);
    expect(() => readTensors(one("F8_E4M3", Uint8Array.of(1), [1]))).toThrow(/"x" has the type F8_E4M3, which Flimsy does not read/);
    expect(inspect(one("F8_E4M3", Uint8Array.of(1), [1])).tensors[0].dtype).toBe("F8_E4M3");
    setDevice("reference");
    try {
      expect(values(one("I32", Int32Array.of(2 ** 24 + 1), [1]))).toEqual([2 ** 24 + 1]);
    } finally {
      setDevice("wasm");
    }
  });
});

describe("what is no safetensors file", () => {
  const entry = { dtype: "F32", shape: [1], data_offsets: [0, 4] };
  const deep = `{"x":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
  it.each<[string, Uint8Array, RegExp]>([
    ["nothing", new Uint8Array(0), /has only 0 bytes/],
    ["seven bytes", new Uint8Array(7), /has only 7 bytes/],
    ["a huge header", file("{}", [], 2n ** 64n - 1n), /announce a header of 18446744073709552000 bytes; at most 100000000/],
    ["a header that is just too long", file("{}", [], 100_000_001n), /at most 100000000/],
    ["a header beyond the end", file("{}", [], 3n), /should have 3 bytes, but only 2 follow/],
    ["no header", file(""), /does not begin with {/],
    ["a space first", file(" {}"), /does not begin with {/],
    ["a byte order mark", file("\uFEFF{}"), /does not begin with {/],
    ["half of a header", file('{"x":'), /not JSON/],
    ["more than one value", file("{}{}"), /not JSON/],
    ["a zero byte after it", file("{}\0"), /not JSON/],
    ["no UTF-8", Uint8Array.of(4, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x22, 0xff, 0x7d), /not UTF-8/],
    ["a tensor twice", file(`{"x":${JSON.stringify(entry)},"x":${JSON.stringify(entry)}}`, [0, 0, 0, 0]), /the key "x" twice/],
    ["a tensor twice, in two spellings", file(`{"x":${JSON.stringify(entry)},"\\u0078":${JSON.stringify(entry)}}`, [0, 0, 0, 0]), /the key "x" twice/],
    ["a dtype twice", file('{"x":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', [0, 0, 0, 0]), /the key "dtype" twice/],
    ["metadata twice", file('{"__metadata__":{},"__metadata__":{}}'), /the key "__metadata__" twice/],
    ["metadata that are no strings", file({ __metadata__: { a: 1 } }), /"a" in its metadata is not a string/],
    ["metadata that are a list", file({ __metadata__: [] }), /__metadata__ in its header is not an object/],
    ["deep nesting", file(deep), /nested in more than 1000 levels/],
    ["no entry", file({ x: null }), /"x" has no object/],
    ["no dtype", file({ x: { shape: [1], data_offsets: [0, 4] } }, [0, 0, 0, 0]), /the dtype undefined/],
    ["an unknown dtype", file({ x: { ...entry, dtype: "F33" } }, [0, 0, 0, 0]), /the dtype "F33"/],
    ["a dtype of every object", file({ x: { ...entry, dtype: "constructor" } }, [0, 0, 0, 0]), /the dtype "constructor"/],
    ["a negative size", file({ x: { ...entry, shape: [-1] } }, [0, 0, 0, 0]), /a shape that is not a list of sizes/],
    ["half a size", file({ x: { ...entry, shape: [0.5] } }, [0, 0, 0, 0]), /a shape that is not a list of sizes/],
    ["sizes that overflow", file({ x: { ...entry, shape: [2 ** 40, 2 ** 40, 2 ** 40, 0] } }, [0, 0, 0, 0]), /which is too large/],
    ["a shape of more than its bytes", file({ x: { ...entry, shape: [2] } }, [0, 0, 0, 0]), /takes 8 bytes, but data_offsets for 4/],
    ["one offset", file({ x: { ...entry, data_offsets: [0] } }, [0, 0, 0, 0]), /not a begin and an end/],
    ["offsets that are swapped", file({ x: { ...entry, data_offsets: [4, 0] } }, [0, 0, 0, 0]), /not a begin and an end/],
    ["offsets beyond the end", file({ x: { ...entry, shape: [2], data_offsets: [0, 8] } }, [0, 0, 0, 0]), /have 8 bytes, but only 4 are there/],
    ["a gap at the beginning", file({ x: { ...entry, data_offsets: [4, 8] } }, new Uint8Array(8)), /begin at 4 of the data, but those before it end at 0/],
    ["a gap", file({ x: entry, y: { ...entry, data_offsets: [5, 9] } }, new Uint8Array(9)), /"y" begin at 5/],
    ["an overlap", file({ x: entry, y: { ...entry, data_offsets: [2, 6] } }, new Uint8Array(6)), /"y" begin at 2/],
    ["bytes at the end", file({ x: entry }, new Uint8Array(5)), /1 bytes follow that belong to no tensor/],
    ["sub-byte elements that fill no byte", file({ x: { dtype: "F4", shape: [1], data_offsets: [0, 1] } }, [0]), /takes 0.5 bytes/],
  ])("%s", (_, bytes, message) => {
    for (const read of [readTensors, inspect]) {
      expect(() => read(bytes)).toThrow(CheckpointError);
      expect(() => read(bytes)).toThrow(message);
      expect(() => read(bytes)).toThrow(/^The given data was not loaded: /);
    }
  });

  it("allows what the format does: padding, no tensors, scalars, empty tensors, data in another order than names", () => {
    expect(readTensors(file("{}   \n")).size).toBe(0);
    const both = { b: { dtype: "F32", shape: [], data_offsets: [0, 4] }, a: { dtype: "F32", shape: [2, 0], data_offsets: [4, 4] } };
    const found = readTensors(file(both, bytesOf(Float32Array.of(5))));
    expect(found.get("b")?.item()).toBe(5);
    expect(found.get("a")?.shape).toEqual([2, 0]);
  });

  it("is not confused by names that objects have", () => {
    const text = '{"__proto__":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"__metadata__":{"__proto__":"a","constructor":"b"}}';
    const bytes = file(text, bytesOf(Float32Array.of(5)));
    expect([...readTensors(bytes).keys()]).toEqual(["__proto__"]);
    expect(Object.entries(inspect(bytes).metadata)).toEqual([["__proto__", "a"], ["constructor", "b"]]);
    expect(({} as { dtype?: string }).dtype).toBeUndefined();
    expect(readTensors(serializeTensors(readTensors(bytes))).get("__proto__")?.item()).toBe(5);
  });
});

describe("writing", () => {
  it("refuses what is no Variable, and names that cannot be written", () => {
    expect(() => serializeTensors({ x: [1] as never })).toThrow(/takes Variables, but "x" is none/);
    expect(() => serializeTensors(null as never)).toThrow(ValueError);
    expect(() => serializeTensors({ __metadata__: input([1]) })).toThrow(/the format keeps that name/);
    expect(() => serializeTensors({ "a\ud800": input([1]) })).toThrow(/lone surrogate/);
    expect(() => serializeTensors({}, { metadata: { a: 1 as never } })).toThrow(/takes strings/);
    expect(() => serializeTensors({}, { typo: 1 } as never)).toThrow(/the option "typo"/);
  });

  it("begins data at a multiple of eight", () => {
    for (let n = 1; n < 20; n++) {
      const bytes = serializeTensors({ ["x".repeat(n)]: input([1, 2]) });
      expect((bytes.length - 8) % 8).toBe(0);
      expect(bytes[8]).toBe(0x7b);
    }
  });
});

describe("sources", () => {
  const bytes = serializeTensors({ x: input([1, 2]) });
  it("may be a buffer, a part of one, or shared memory", () => {
    const larger = new Uint8Array(bytes.length + 7);
    larger.set(bytes, 3);
    const shared = new SharedArrayBuffer(bytes.length);
    new Uint8Array(shared).set(bytes);
    for (const source of [
      bytes, bytes.slice().buffer, larger.subarray(3, 3 + bytes.length), new DataView(larger.buffer, 3, bytes.length), shared, Buffer.from(bytes),
    ]) {
      expect(readTensors(source).get("x")?.toArray()).toEqual([1, 2]);
    }
  });

  it("must be bytes", () => {
    const gone = bytes.slice();
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    for (const source of [null, undefined, 3, {}, [1], gone.buffer]) {
      expect(() => readTensors(source as never)).toThrow(/takes a path, a file URL|has only 0 bytes/);
    }
    expect(() => readTensors(Promise.resolve(bytes) as never)).toThrow(/await it first/);
    expect(() => readTensors(new URL("https://example.org/x"))).toThrow(/a URL of a file/);
  });
});
