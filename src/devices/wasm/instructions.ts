/**
 * Instructions that are an opcode and nothing else, but perhaps an offset (WebAssembly Core Specification 2.0, chapter 5). What they take from
 * the stack and leave there is what their names say; vectors of comparisons are masks.
 */

import { Bytes } from "./bytes.ts";

/** One byte. */
const plain = {
  return: 0x0f, drop: 0x1a, select: 0x1b,
  i32Eqz: 0x45, i32Eq: 0x46, i32Ne: 0x47, i32LtU: 0x49, i32GtS: 0x4a, i32GtU: 0x4b, i32LeS: 0x4c, i32LeU: 0x4d, i32GeS: 0x4e, i32GeU: 0x4f,
  i32Add: 0x6a, i32Sub: 0x6b, i32Mul: 0x6c, i32DivU: 0x6e, i32RemU: 0x70, i32And: 0x71, i32Or: 0x72, i32Xor: 0x73, i32Shl: 0x74, i32ShrU: 0x76,
  i64Ne: 0x52, i64Sub: 0x7d, i64Mul: 0x7e, i64Or: 0x84, i64Shl: 0x86, i64ShrU: 0x88,
  f32Ne: 0x5c, f32Add: 0x92, f32Mul: 0x94, f64Add: 0xa0,
  i32WrapI64: 0xa7, i64ExtendI32U: 0xad, f32ConvertI32S: 0xb2, f32ConvertI32U: 0xb3, f32DemoteF64: 0xb6, f64PromoteF32: 0xbb, i64ReinterpretF64: 0xbd,
} as const;

/** Behind the prefix 0xFD, as LEB128. Minimum and maximum are NaN if either operand is; `v128Bitselect` is a, b, mask -> (a & mask) | (b & ~mask). */
export const vectorOpcodes = {
  i32x4Splat: 0x11, f32x4Splat: 0x13,
  i32x4LtS: 0x39, i32x4GtS: 0x3b, f32x4Eq: 0x41, f32x4Ne: 0x42, f32x4Lt: 0x43, f32x4Gt: 0x44, f32x4Le: 0x45, f32x4Ge: 0x46, f64x2Eq: 0x47,
  v128And: 0x4e, v128AndNot: 0x4f, v128Or: 0x50, v128Xor: 0x51, v128Bitselect: 0x52, v128AnyTrue: 0x53,
  f32x4DemoteF64x2Zero: 0x5e, f64x2PromoteLowF32x4: 0x5f, f32x4Floor: 0x68, f32x4ConvertI32x4S: 0xfa,
  i32x4Shl: 0xab, i32x4ShrS: 0xac, i32x4Add: 0xae, i32x4Sub: 0xb1, i64x2Shl: 0xcb, i64x2Add: 0xce,
  f32x4Abs: 0xe0, f32x4Neg: 0xe1, f32x4Sqrt: 0xe3, f32x4Add: 0xe4, f32x4Sub: 0xe5, f32x4Mul: 0xe6, f32x4Div: 0xe7, f32x4Min: 0xe8, f32x4Max: 0xe9,
  f64x2Add: 0xf0, f64x2Sub: 0xf1, f64x2Mul: 0xf2, f64x2Div: 0xf3, f64x2Max: 0xf5,
} as const;

/** With an offset in bytes, 0 unless given. `i32Load8` and `i32Store8` are of bytes without a sign. */
const memory = {
  i32Load: 0x28, i64Load: 0x29, f32Load: 0x2a, i32Load8: 0x2d, i32Store: 0x36, i64Store: 0x37, f32Store: 0x38, i32Store8: 0x3a,
} as const;
const vectorMemory = { v128Load: 0x00, v128Load32Splat: 0x09, v128Store: 0x0b } as const;

/** Instructions as methods of what appends them to code, a `B`. */
export type Instructions<B> =
  & { readonly [name in keyof typeof plain | keyof typeof vectorOpcodes]: () => B }
  & { readonly [name in keyof typeof memory | keyof typeof vectorMemory]: (offset?: number) => B };

/** Code that instructions are appended to. */
export class Code {
  readonly code = new Bytes();

  op(...bytes: number[]): this {
    for (const byte of bytes) this.code.byte(byte);
    return this;
  }

  protected indexed(opcode: number, index: number): this {
    this.code.byte(opcode);
    this.code.unsigned(index);
    return this;
  }

  /** A SIMD instruction (prefix 0xFD) with its opcode as LEB128; relaxed ones are 0x100 and up. */
  simd(opcode: number): this { return this.indexed(0xfd, opcode); }

  /** What follows the opcode of an access to memory. */
  protected at(offset: number): this {
    this.code.unsigned(0); // alignment is a hint only
    this.code.unsigned(offset);
    return this;
  }

  static {
    const define = (table: Readonly<Record<string, number>>, append: (code: Code, opcode: number, offset: number) => Code): void => {
      for (const [name, opcode] of Object.entries(table)) {
        Object.defineProperty(Code.prototype, name, { value(this: Code, offset = 0) { return append(this, opcode, offset); } });
      }
    };
    define(plain, (code, opcode) => code.op(opcode));
    define(vectorOpcodes, (code, opcode) => code.simd(opcode));
    define(memory, (code, opcode, offset) => code.op(opcode).at(offset));
    define(vectorMemory, (code, opcode, offset) => code.simd(opcode).at(offset));
  }
}
