/** The random kernel: Philox4x32-10 (Salmon et al. 2011), one block of four numbers at a time. */

import { layoutSize, randomParameters } from "../../kernels/kernel.ts";
import { type Body, I64, type Local } from "./assembler.ts";
import { parameters, words } from "./layout.ts";

const MULTIPLIERS = [0xd2511f53, 0xcd9e8d57] as const;
const WEYL = [0x9e3779b9, 0xbb67ae85] as const;
const ROUNDS = 10;

/** The parameters of a part: it begins with a block of its own. */
const partOfRandom = { ...randomParameters, block: layoutSize(randomParameters) };

export function writeRandom(f: Body): void {
  const [out, bits] = words(f, 0, 2);
  const { n, block } = parameters(f, 2, partOfRandom);
  const [low, high] = f.locals(2);
  const keys = f.locals(2);
  const key = f.locals(2);
  const counter = f.locals(4);
  const next = f.locals(4);
  const product = f.local(I64);

  /** A word from its halves, which are exact as float32. */
  const word = (half: number, into: Local): void => {
    f.get(bits).f32Load(4 * half).i32TruncF32S().get(bits).f32Load(4 * half + 4).i32TruncF32S().i32(16).i32Shl().i32Or().set(into);
  };
  word(0, keys[0]);
  word(2, keys[1]);
  word(4, low);
  word(6, high);
  f.get(low).get(block).i32Add().tee(low).get(block).i32LtU().if(() => { f.increment(high, 1); });

  f.while(() => f.get(n), () => {
    f.get(low).set(counter[0]).get(high).set(counter[1]).i32(0).set(counter[2]).i32(0).set(counter[3]);
    f.get(keys[0]).set(key[0]).get(keys[1]).set(key[1]);
    for (let round = 0; round < ROUNDS; round++) {
      // Words 0 and 2 are multiplied; high halves cross over, mixed with the odd words and the key.
      [0, 2].forEach((source, i) => {
        f.get(counter[source]).i64ExtendI32U().i64(MULTIPLIERS[i]).i64Mul().set(product);
        f.get(product).i32WrapI64().set(next[3 - source]);
        f.get(product).i64(32).i64ShrU().i32WrapI64().get(counter[3 - source]).i32Xor().get(key[1 - i]).i32Xor().set(next[2 - source]);
      });
      counter.forEach((local, i) => { f.get(next[i]).set(local); });
      key.forEach((local, i) => { f.increment(local, WEYL[i]); });
    }
    for (const local of counter) {
      f.get(n).if(() => {
        f.get(out).get(local).i32(8).i32ShrU().f32ConvertI32U().f32(2 ** -24).f32Mul().f32Store();
        f.increment(out, 4).increment(n, -1);
      });
    }
    f.increment(low, 1);
    f.get(low).i32Eqz().if(() => { f.increment(high, 1); });
  });
}
