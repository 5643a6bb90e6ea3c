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

const scratch = new DataView(new ArrayBuffer(8));

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
    this.code.byte(0x41);
    this.code.signed(value);
    return this;
  }

  i64(value: bigint): this {
    this.code.byte(0x42);
    this.code.signed64(value);
    return this;
  }

  f32(value: number): this {
    scratch.setFloat32(0, value, true);
    this.code.byte(0x43);
    for (let i = 0; i < 4; i++) this.code.byte(scratch.getUint8(i));
    return this;
  }

  f64(value: number): this {
    scratch.setFloat64(0, value, true);
    this.code.byte(0x44);
    for (let i = 0; i < 8; i++) this.code.byte(scratch.getUint8(i));
    return this;
  }

  private v128(write: (offset: number) => void, lanes: number, size: number): this {
    const bytes: number[] = [];
    for (let lane = 0; lane < lanes; lane++) {
      write(lane);
      for (let i = 0; i < size; i++) bytes.push(scratch.getUint8(i));
    }
    const key = bytes.join();
    let local = this.constants.get(key);
    if (local === undefined) {
      local = this.local(V128);
      this.constants.set(key, local);
      this.prologue.append([0xfd, 0x0c, ...bytes, 0x21]);
      this.prologue.unsigned(local);
    }
    return this.get(local);
  }

  /** Four equal f32 lanes. */
  f32x4(value: number): this { return this.v128(() => scratch.setFloat32(0, value, true), 4, 4); }
  /** Four i32 lanes, equal if one value is given. */
  i32x4(...values: number[]): this { return this.v128((lane) => scratch.setInt32(0, values[lane % values.length], true), 4, 4); }
  /** The lanes 0, 1, 2, 3 as f32. */
  f32x4Index(): this { return this.v128((lane) => scratch.setFloat32(0, lane, true), 4, 4); }
  /** Two equal f64 lanes. */
  f64x2(value: number): this { return this.v128(() => scratch.setFloat64(0, value, true), 2, 8); }
  /** Two equal i64 lanes. */
  i64x2(value: bigint): this { return this.v128(() => scratch.setBigInt64(0, value, true), 2, 8); }

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
    this.op(0x04, 0x40);
    this.depth++;
    then();
    if (otherwise !== undefined) {
      this.op(0x05);
      otherwise();
    }
    this.depth--;
    return this.op(0x0b);
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

  /** local += amount. */
  increment(local: Local, amount: number): Body {
    return this.get(local).i32(amount).i32Add().set(local);
  }

  /** local += other. */
  advance(local: Local, other: Local): Body {
    return this.get(local).get(other).i32Add().set(local);
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

  /** Sixteen byte lanes out of two vectors. */
  i8x16Shuffle(...lanes: number[]): this { return this.simd(0x0d).op(...lanes); }
  /** Four 32-bit lanes out of two vectors, 0–3 from the first, 4–7 from the second. */
  shuffle32(a: number, b: number, c: number, d: number): this {
    return this.i8x16Shuffle(...[a, b, c, d].flatMap((lane) => [lane * 4, lane * 4 + 1, lane * 4 + 2, lane * 4 + 3]));
  }

  finish(): Bytes {
    const out = new Bytes();
    const runs: [number, ValueType][] = [];
    for (const type of this.localTypes) {
      const last = runs[runs.length - 1];
      if (last !== undefined && last[1] === type) last[0]++;
      else runs.push([1, type]);
    }
    out.unsigned(runs.length);
    for (const [count, type] of runs) {
      out.unsigned(count);
      out.byte(type);
    }
    out.append(this.prologue);
    out.append(this.code);
    out.byte(0x0b);
    return out;
  }
}

/** A module under construction. Imports come first, then functions, exported by name or put into the table. */
export class ModuleBuilder {
  private readonly types: string[] = [];
  private readonly typeBytes: Bytes[] = [];
  private readonly imports: Bytes[] = [];
  private importedFunctions = 0;
  private readonly functionTypes: number[] = [];
  private readonly bodies: Bytes[] = [];
  private readonly exports: [string, number][] = [];
  private readonly elements: Bytes[] = [];

  /** The index of a function type, declared once. */
  type(parameters: readonly ValueType[], results: readonly ValueType[] = []): number {
    const key = `${parameters.join()}>${results.join()}`;
    const known = this.types.indexOf(key);
    if (known >= 0) return known;
    const bytes = new Bytes();
    bytes.byte(0x60);
    bytes.unsigned(parameters.length);
    for (const type of parameters) bytes.byte(type);
    bytes.unsigned(results.length);
    for (const type of results) bytes.byte(type);
    this.types.push(key);
    this.typeBytes.push(bytes);
    return this.types.length - 1;
  }

  private import(name: string, kind: number): Bytes {
    const bytes = new Bytes();
    bytes.name("env");
    bytes.name(name);
    bytes.byte(kind);
    this.imports.push(bytes);
    return bytes;
  }

  importFunction(name: string, parameters: readonly ValueType[], results: readonly ValueType[] = []): number {
    if (this.bodies.length > 0) throw new Error("imports come before functions");
    this.import(name, 0x00).unsigned(this.type(parameters, results));
    return this.importedFunctions++;
  }

  importTable(name: string): void {
    this.import(name, 0x01).append([0x70, 0x00, 0x00]);
  }

  importMemory(name: string, isShared = false): void {
    this.import(name, 0x02).append(isShared ? [0x03, 0x00, 0x80, 0x80, 0x04] : [0x00, 0x00]);
  }

  /** Where the thread's scratch memory is: the only global. */
  importScratch(name: string): void {
    this.import(name, 0x03).append([I32, 0x00]);
  }

  /** Puts functions into the imported table, from a place on. */
  fillTable(from: number, functions: readonly number[]): void {
    const bytes = new Bytes();
    bytes.append([0x00, 0x41]);
    bytes.signed(from);
    bytes.byte(0x0b);
    bytes.unsigned(functions.length);
    for (const index of functions) bytes.unsigned(index);
    this.elements.push(bytes);
  }

  /** Adds a function of so many i32 that returns nothing; returns its index. With a name it is exported. */
  function(name: string | null, parameters: number, write: (body: Body, ...parameters: Local[]) => void): number {
    const body = new Body(parameters);
    write(body, ...range(parameters));
    this.functionTypes.push(this.type(range(parameters).map(() => I32)));
    this.bodies.push(body.finish());
    const index = this.importedFunctions + this.bodies.length - 1;
    if (name !== null) this.exports.push([name, index]);
    return index;
  }

  finish(): Uint8Array<ArrayBuffer> {
    const out = new Bytes();
    out.append([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);
    const section = (id: number, count: number, write: (bytes: Bytes) => void): void => {
      if (count === 0) return;
      const bytes = new Bytes();
      bytes.unsigned(count);
      write(bytes);
      out.byte(id);
      out.unsigned(bytes.length);
      out.append(bytes);
    };
    section(1, this.typeBytes.length, (bytes) => { for (const type of this.typeBytes) bytes.append(type); });
    section(2, this.imports.length, (bytes) => { for (const entry of this.imports) bytes.append(entry); });
    section(3, this.functionTypes.length, (bytes) => { for (const type of this.functionTypes) bytes.unsigned(type); });
    section(7, this.exports.length, (bytes) => {
      for (const [name, index] of this.exports) {
        bytes.name(name);
        bytes.byte(0x00);
        bytes.unsigned(index);
      }
    });
    section(9, this.elements.length, (bytes) => { for (const entry of this.elements) bytes.append(entry); });
    section(10, this.bodies.length, (bytes) => {
      for (const body of this.bodies) {
        bytes.unsigned(body.length);
        bytes.append(body);
      }
    });
    return out.view().slice() as Uint8Array<ArrayBuffer>;
  }
}
