import { concat, evaluate, full, input, type NestedArray, ShapeError, stack, Variable } from "../index.ts";
import { formatShape, sameShape, sizeOf } from "../support/shape.ts";
import { checkArguments, checkOptions } from "../support/options.ts";
import { checkInstance, checkInteger, refusal } from "../support/check.ts";

/** A sequence: steps first, then what each step has. Numbers, such as labels, or arrays of equal shape. */
export type SequenceLike = Variable | readonly NestedArray[] | ArrayLike<number>;

/** How sequences become of one length. */
export interface PadOptions {
  /** What fills the end of shorter sequences; 0 unless given. */
  readonly value?: number | undefined;
  /** The number of steps of the result; that of the longest sequence unless given. */
  readonly steps?: number | undefined;
  /** Round the number of steps up to a multiple of this, so that few lengths occur and plans are used again; 1 unless given. */
  readonly multipleOf?: number | undefined;
}

/** Sequences of different lengths as one array. */
export interface PaddedSequences {
  /** [batch, steps, …] */
  readonly x: Variable;
  /** Of shape [batch, steps]: 1 where a sequence has a step, 0 where it is padded. */
  readonly mask: Variable;
  /** The number of steps of each sequence. */
  readonly lengths: Int32Array;
}

/**
 * Sequences of different lengths in one array, shorter ones filled up at their end, with a mask that says which steps are
 * there: what recurrent components and costs take. Sequences that are on a device that answers later stay there.
 *
 * @param sequences each [steps, …]: a Variable, nested arrays, or a list of numbers; a sequence may have no steps
 * @throws ShapeError for sequences whose steps have different shapes, or one longer than `steps`; ValueError for no
 *   sequences or other options
 * @example
 * const { x, mask, lengths } = padSequences([[[1, 2]], [[3, 4], [5, 6]]]);
 * x.toArray(); // [[[1, 2], [0, 0]], [[3, 4], [5, 6]]]
 * mask.toArray(); // [[1, 0], [1, 1]]
 * lengths; // [1, 2]
 * padSequences([[7], [8, 9]], { multipleOf: 4, value: -1 }).x.toArray(); // [[7, -1, -1, -1], [8, 9, -1, -1]]
 */
export function padSequences(sequences: readonly SequenceLike[], options: PadOptions = {}): PaddedSequences {
  checkArguments("padSequences", arguments, 2);
  checkOptions("padSequences", options, ["value", "steps", "multipleOf"]);
  if (!Array.isArray(sequences) || sequences.length === 0) throw refusal("padSequences", "an array of at least one sequence", sequences);
  const parts = (sequences as readonly SequenceLike[]).map((sequence) => (sequence instanceof Variable && sequence.isKnown ? sequence : input(sequence)));
  // An empty list does not say what its steps would have been.
  const known = parts.filter((part, i) => !(part.size === 0 && part.shape.length === 1 && !(sequences[i] instanceof Variable)));
  const rest = (known[0] ?? parts[0]).shape.slice(1);
  parts.forEach((part, i) => {
    if (part.shape.length === 0) throw new ShapeError(`padSequences got a single number as sequence ${i}: a sequence has an axis of steps.`);
    if (known.includes(part) && !sameShape(part.shape.slice(1), rest)) {
      throw new ShapeError(
        `padSequences got steps of shape ${formatShape(part.shape.slice(1))} in sequence ${i} and ${formatShape(rest)} before: all must be the same.`,
      );
    }
  });
  const lengths = Int32Array.from(parts, (part) => part.shape[0]);
  const longest = lengths.reduce((a, b) => Math.max(a, b), 0);
  const multiple = checkInteger("padSequences", "multipleOf", options.multipleOf ?? 1, 1);
  const steps = checkInteger("padSequences", "steps", options.steps ?? Math.ceil(longest / multiple) * multiple, 0);
  if (steps < longest) throw new ShapeError(`padSequences got a sequence of ${longest} steps for ${steps}. Cut it, or leave the option out.`);
  const { value = 0 } = options;
  if (typeof value !== "number") throw refusal("padSequences", "a number as value", value);

  const width = sizeOf(rest);
  const mask = new Float64Array(parts.length * steps);
  lengths.forEach((length, i) => { mask.fill(1, i * steps, i * steps + length); });
  const shape = [parts.length, steps, ...rest];
  return { x: parts.every((part) => part.isKnown) ? onHost() : onDevice(), mask: input(mask, [parts.length, steps]), lengths };

  function onHost(): Variable {
    const x = new Float64Array(sizeOf(shape)).fill(value);
    parts.forEach((part, i) => { x.set(part.data, i * steps * width); });
    return input(x, shape);
  }
  function onDevice(): Variable {
    const padded = (part: Variable, length: number): Variable[] => [
      ...(length > 0 ? [part] : []), ...(length < steps ? [full([steps - length, ...rest], value)] : []),
    ];
    return evaluate(() => stack(parts.map((part, i) => concat(padded(part, lengths[i])))));
  }
}

/**
 * The inverse of `padSequences`: the sequences without their padding, each [length, …].
 * @param x [batch, steps, …]
 * @throws ShapeError if there are not as many lengths as sequences, or one is longer than there are steps
 * @example
 * const { x, lengths } = padSequences([[7], [8, 9]]);
 * unpadSequences(x, lengths).map((sequence) => sequence.toArray()); // [[7], [8, 9]]
 */
export function unpadSequences(x: Variable, lengths: ArrayLike<number>): Variable[] {
  checkArguments("unpadSequences", arguments, 2);
  checkInstance("unpadSequences", "a Variable", x, Variable);
  const { shape } = x;
  const wrong = Array.from(lengths).find((length) => !Number.isInteger(length) || length < 0 || length > shape[1]);
  if (shape.length < 2 || lengths.length !== shape[0] || wrong !== undefined) {
    throw new ShapeError(
      `unpadSequences takes [batch, steps, …] and a length for each sequence, but got ${formatShape(shape)} and lengths [${Array.from(lengths).join(", ")}].`,
    );
  }
  return Array.from(lengths, (length, i) => x.slice(i, [0, length]));
}
