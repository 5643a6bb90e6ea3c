/**
 * A small assembler for WebAssembly: just what our kernels need, bytes out.
 * Instructions are methods that append to a function body; structured control flow takes a callback,
 * so that the nesting of the TypeScript is the nesting of the WebAssembly.
 * Encoding: WebAssembly Core Specification 2.0, chapter 5; relaxed SIMD: the proposal's overview.
 */

import { Bytes } from "./bytes.ts";
import { Code, type Instructions } from "./instructions.ts";

export const I32 = 0x7f;
export const I64 = 0x7e;
export const F32 = 0x7d;
export const F64 = 0x7c;
export const V128 = 0x7b;
export type ValueType = typeof I32 | typeof I64 | typeof F32 | typeof F64 | typeof V128;

/** The index of a local variable of a function body. */
export type Local = number;

/** A constant as bytes, and as lanes of each type: WebAssembly has the lowest byte first, as all machines have that it runs on. */
const bytes = new Uint8Array(16);
const f32 = new Float32Array(bytes.buffer);
const i32 = new Int32Array(bytes.buffer);
const f64 = new Float64Array(bytes.buffer);
const i64 = new BigInt64Array(bytes.buffer);

export const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** The body of one function under construction. Methods return `this`, so that short sequences read in one line. */
export class Body extends (Code as new () => Code & Instructions<Body>) {
  private readonly prologue = new Bytes();
  private readonly constants = new Map<string, Local>();
  private readonly localTypes: ValueType[] = [];
  private depth = 0;

  constructor(private readonly parameters: number) { super(); }

  /** A new local variable, zero at first. */
  local(type: ValueType = I32): Local { return this.parameters + this.localTypes.push(type) - 1; }
  /** So many of them. */
  locals(count: number, type: ValueType = I32): Local[] { return range(count).map(() => this.local(type)); }

  get(local: Local): this { return this.indexed(0x20, local); }
  set(local: Local): this { return this.indexed(0x21, local); }
  tee(local: Local): this { return this.indexed(0x22, local); }
  call(functionIndex: number): this { return this.indexed(0x10, functionIndex); }
  callIndirect(typeIndex: number): this { return this.indexed(0x11, typeIndex).op(0); }

  // -- constants --------------------------------------------------------------------------------

  i32(value: number): this {
    this.op(0x41).code.signed(value | 0);
    return this;
  }

  i64(value: number): this {
    this.op(0x42).code.signed(value);
    return this;
  }

  f32(value: number): this {
    f32[0] = value;
    return this.op(0x43, ...bytes.subarray(0, 4));
  }

  f64(value: number): this {
    f64[0] = value;
    return this.op(0x44, ...bytes.subarray(0, 8));
  }

  /** A constant vector: a variable, which is set where the function begins. */
  private v128<T>(lanes: { set(values: readonly T[]): void }, values: readonly T[]): this {
    lanes.set(values);
    const key = bytes.join();
    let local = this.constants.get(key);
    if (local === undefined) {
      local = this.local(V128);
      this.constants.set(key, local);
      this.prologue.byte(0xfd).byte(0x0c).append(bytes).byte(0x21).unsigned(local);
    }
    return this.get(local);
  }

  /** Four lanes, equal if one value is given. */
  f32x4(a: number, b = a, c = a, d = a): this { return this.v128(f32, [a, b, c, d]); }
  i32x4(a: number, b = a, c = a, d = a): this { return this.v128(i32, [a, b, c, d]); }
  /** Two equal lanes. */
  f64x2(value: number): this { return this.v128(f64, [value, value]); }
  i64x2(value: bigint): this { return this.v128(i64, [value, value]); }

  // -- memory -----------------------------------------------------------------------------------

  /** address, vector -> the vector with the number there in one lane */
  v128Load32Lane(lane: number, offset = 0): this { return this.simd(0x56).at(offset).op(lane); }
  v128Store32Lane(lane: number, offset = 0): this { return this.simd(0x5a).at(offset).op(lane); }
  v128Store64Lane(lane: number, offset = 0): this { return this.simd(0x5b).at(offset).op(lane); }
  /** The address of the thread's scratch memory, or so many bytes further. */
  scratch(offset: number): Body {
    this.op(0x23, 0);
    return offset === 0 ? this : this.i32(offset).i32Add();
  }
  /** float32 -> two of its lanes as float64: the low or the high ones of a local. */
  promote(vector: Local, isHigh: boolean): Body {
    this.get(vector);
    if (isHigh) this.get(vector).shuffle32(2, 3, 2, 3);
    return this.f64x2PromoteLowF32x4();
  }
  /** Stores the first one to three lanes, as many as a local says; of four or more the first three. */
  storeFirst(pointer: Local, vector: Local, count: Local): void {
    for (let lane = 0; lane < 3; lane++) {
      this.get(count).i32(lane).i32GtU().if(() => { this.get(pointer).get(vector).v128Store32Lane(lane, 4 * lane); });
    }
  }
  tableSize(): this { return this.op(0xfc, 0x10, 0); }
  /** destination, source, bytes -> */
  memoryCopy(): this { return this.op(0xfc, 0x0a, 0x00, 0x00); }
  /** destination, byte value, bytes -> */
  memoryFill(): this { return this.op(0xfc, 0x0b, 0x00); }

  // -- atomics ----------------------------------------------------------------------------------

  /** Atomic accesses state their natural alignment. */
  private atomic(opcode: number, alignment: number, offset: number): this {
    this.op(0xfe, opcode, alignment);
    this.code.unsigned(offset);
    return this;
  }

  /** Wakes so many who wait at an address. */
  atomicNotify(count: number, address: number): Body { return this.i32(0).i32(count).atomic(0x00, 2, address).drop(); }
  i32AtomicLoad(address: number): this { return this.i32(0).atomic(0x10, 2, address); }
  i64AtomicLoad(address: number): this { return this.i32(0).atomic(0x11, 3, address); }
  /** Adds to what is at an address. */
  i32AtomicAdd(amount: number, address: number): Body { return this.i32(0).i32(amount).atomic(0x1e, 2, address).drop(); }
  /** 0, value -> */
  i64AtomicStore(address: number): this { return this.atomic(0x18, 3, address); }
  /** 0, expected, new -> what was there */
  i64AtomicCompareExchange(address: number): this { return this.atomic(0x49, 3, address); }

  // -- control ----------------------------------------------------------------------------------
  // A label is the depth at which its block was opened, so that a branch can name it from any depth.

  private structured(opcode: number, inner: (label: number) => void): this {
    this.op(opcode, 0x40);
    this.depth++;
    inner(this.depth);
    this.depth--;
    return this.op(0x0b);
  }

  block(inner: (label: number) => void): this { return this.structured(0x02, inner); }
  loop(inner: (label: number) => void): this { return this.structured(0x03, inner); }
  branch(label: number): this { return this.indexed(0x0c, this.depth - label); }
  branchIf(label: number): this { return this.indexed(0x0d, this.depth - label); }

  /** Takes an i32 condition from the stack. */
  if(then: () => void, otherwise?: () => void): this {
    return this.structured(0x04, () => {
      then();
      if (otherwise === undefined) return;
      this.op(0x05);
      otherwise();
    });
  }

  /** `while (condition) body`; the condition leaves an i32. */
  while(condition: () => void, body: () => void): this {
    return this.block((exit) => {
      this.loop((again) => {
        condition();
        this.op(0x45).branchIf(exit);
        body();
        this.branch(again);
      });
    });
  }

  /** `do inner while (--counter)`: the counter is at least 1. */
  repeat(counter: Local, inner: () => void): this {
    return this.loop((again) => {
      inner();
      this.get(counter).i32(1).i32Sub().tee(counter).branchIf(again);
    });
  }

  /** So often as a local says, which is 0 then. */
  times(counter: Local, inner: () => void): this { return this.get(counter).if(() => { this.repeat(counter, inner); }); }

  /** local += amount. */
  increment(local: Local, amount: number): Body {
    return this.get(local).i32(amount).i32Add().set(local);
  }

  /** local += other, or other · factor. */
  advance(local: Local, other: Local, factor?: Local): Body {
    this.get(local).get(other);
    if (factor !== undefined) this.get(factor).i32Mul();
    return this.i32Add().set(local);
  }

  /** Saturating, so that no input traps. */
  i32TruncF32S(): this { return this.op(0xfc, 0x00); }

  // -- vectors of four f32 ----------------------------------------------------------------------

  f32x4ExtractLane(lane: number): this { return this.simd(0x1f).op(lane); }
  f32x4ReplaceLane(lane: number): this { return this.simd(0x20).op(lane); }
  f64x2ExtractLane(lane: number): this { return this.simd(0x21).op(lane); }
  /** a * b + c, fused where the module uses relaxed SIMD, else a product and a sum. */
  f32x4Madd(fused: boolean, addend: () => void): Body {
    if (!fused) this.f32x4Mul();
    addend();
    return fused ? this.simd(0x105) : this.f32x4Add();
  }

  // -- other vectors ----------------------------------------------------------------------------

  /** Four 32-bit lanes out of two vectors, 0–3 from the first, 4–7 from the second. */
  shuffle32(...lanes: [number, number, number, number]): this {
    return this.simd(0x0d).op(...lanes.flatMap((lane) => [lane * 4, lane * 4 + 1, lane * 4 + 2, lane * 4 + 3]));
  }

  complete(): Bytes {
    const runs: [count: number, type: ValueType][] = [];
    for (const type of this.localTypes) {
      const last = runs.at(-1);
      if (last?.[1] === type) last[0]++;
      else runs.push([1, type]);
    }
    const out = new Bytes().unsigned(runs.length);
    for (const [count, type] of runs) out.unsigned(count).byte(type);
    return out.append(this.prologue.view()).append(this.code.view()).byte(0x0b);
  }
}

/** A section of a module: its entries, and how many they are. */
class Section extends Bytes {
  private count = 0;

  /** Begins one more entry. */
  entry(): this {
    this.count++;
    return this;
  }

  /** Without entries there is no section. */
  writeTo(out: Bytes, id: number): void {
    if (this.count > 0) out.byte(id).counted(new Bytes().unsigned(this.count).append(this.view()).view());
  }
}

/** A module under construction. Imports come first, then functions, exported by name or put into the table. */
export class ModuleBuilder {
  private readonly types: string[] = [];
  /** How many functions there are, those that are imported too. */
  private functions = 0;
  /** By id. */
  private readonly sections = range(11).map(() => new Section());

  private entry(section: number): Section { return this.sections[section].entry(); }

  /** The index of a function type, declared once. */
  type(parameters: readonly ValueType[], results: readonly ValueType[] = []): number {
    const bytes = [0x60, parameters.length, ...parameters, results.length, ...results];
    const key = bytes.join();
    const known = this.types.indexOf(key);
    if (known >= 0) return known;
    this.entry(1).append(bytes);
    return this.types.push(key) - 1;
  }

  private import(name: string, kind: number): Bytes { return this.entry(2).name("env").name(name).byte(kind); }

  importFunction(name: string, parameters: readonly ValueType[], results?: readonly ValueType[]): number {
    this.import(name, 0x00).unsigned(this.type(parameters, results));
    return this.functions++;
  }

  importTable(name: string): void { this.import(name, 0x01).append([0x70, 0x00, 0x00]); }

  importMemory(name: string, isShared = false): void {
    this.import(name, 0x02).append(isShared ? [0x03, 0x00, 0x80, 0x80, 0x04] : [0x00, 0x00]);
  }

  /** Where the thread's scratch memory is: the only global. */
  importScratch(name: string): void { this.import(name, 0x03).append([I32, 0x00]); }

  /** Puts a function into the imported table, at its beginning. */
  putFirst(index: number): void { this.entry(9).append([0x00, 0x41, 0x00, 0x0b, 0x01]).unsigned(index); }

  /** Adds a function of so many i32 that returns nothing; returns its index. With a name it is exported. */
  function(name: string | null, parameters: number, write: (body: Body, ...parameters: Local[]) => void): number {
    const body = new Body(parameters);
    write(body, ...range(parameters));
    this.entry(3).unsigned(this.type(range(parameters).map(() => I32)));
    this.entry(10).counted(body.complete().view());
    if (name !== null) this.entry(7).name(name).byte(0x00).unsigned(this.functions);
    return this.functions++;
  }

  complete(): Uint8Array<ArrayBuffer> {
    const out = new Bytes().append([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);
    this.sections.forEach((section, id) => { section.writeTo(out, id); });
    return out.view().slice() as Uint8Array<ArrayBuffer>;
  }
}
