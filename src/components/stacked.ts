import { ShapeError, UsageError, ValueError, type Variable } from "../index.ts";
import { refusal } from "../support/check.ts";
import { describe } from "../support/describe.ts";
import { type Kind, type Kinds, of, optional, take } from "../support/option.ts";
import { checkArguments } from "../support/options.ts";
import { dropped, share } from "./dropout.ts";
import { Recurrent } from "./recurrent.ts";
import { checkParts, SequenceComponent, type RecurrentState } from "./sequence.ts";

/** What a `Stacked` is made with. */
export interface StackedOptions {
  /** From the input on: recurrent components, bidirectional ones, or stacks of them. */
  readonly layers: readonly SequenceComponent[];
  /** With which probability the results between layers are dropped in training; 0 unless given. */
  readonly dropout?: number;
}

const layersOf: Kind<readonly SequenceComponent[]> = {
  read: (layers, caller, name) => {
    if (!Array.isArray(layers) || layers.length === 0) throw refusal(caller, `a list of at least one layer as ${name}`, layers);
    layers.forEach((layer: SequenceComponent, i) => {
      if (!(layer instanceof SequenceComponent)) {
        throw new ValueError(`${caller} takes components of sequences as ${name}, such as an Lstm, but got ${describe(layer)} as ${name}[${i}].`);
      }
      if (i > 0 && layers[i - 1].outputs !== layer.inputs) {
        throw new ShapeError(
          `${caller} got ${name}[${i - 1}] with ${layers[i - 1].outputs} outputs under ${name}[${i}] with ${layer.inputs} inputs: they must be the same.`,
        );
      }
    });
    return [...layers];
  },
};

/**
 * Layers one on another: each reads what the one below it gives. The state is a list with the state of each layer.
 *
 * With a bidirectional layer it takes whole sequences only (`unfold`).
 * @example
 * const rnn = new Stacked({ layers: [new Lstm({ inputs: 8, outputs: 16 }), new GatedRecurrent({ inputs: 16, outputs: 4 })], dropout: 0.2 });
 * rnn.unfold(randn([2, 5, 8])).shape; // [2, 5, 4]
 * rnn.initialState().length; // 2
 */
export class Stacked extends Recurrent<readonly RecurrentState[]> {
  static get options(): Kinds<StackedOptions, Stacked> { return { layers: layersOf, dropout: optional(share, 0) }; }

  readonly inputs: number;
  readonly outputs: number;
  declare readonly layers: readonly SequenceComponent[];
  declare readonly dropout: number;

  /** @throws ValueError for no layer or what is none; ShapeError where the sizes of two layers do not fit */
  constructor(options: StackedOptions) {
    super();
    const { layers } = take(this, Stacked.options, options, arguments);
    this.inputs = layers[0].inputs;
    this.outputs = layers[layers.length - 1].outputs;
  }

  /** What the constructor takes to build such a component again. */
  get options(): Required<StackedOptions> { return of(this, Stacked.options); }

  initialState(batch?: number): readonly RecurrentState[] {
    checkArguments("initialState", arguments, 1);
    return this.layers.map((layer) => layer.initialState(batch));
  }

  /** @throws UsageError if a layer needs whole sequences */
  step(x: Variable, state: readonly RecurrentState[] = this.initialState(), scale = 1): readonly RecurrentState[] {
    checkArguments("step", arguments, 3);
    checkParts(this, state, this.layers.length, "the state of each layer");
    let below = x;
    return this.layers.map((_, i) => {
      const layer = this.recurrent(i);
      const next = layer.step(i === 0 ? x : dropped(below, this.dropout), state[i], scale);
      below = layer.output(next);
      return next;
    });
  }

  override output(state: readonly RecurrentState[]): Variable {
    checkArguments("output", arguments, 1);
    const top = this.layers.length - 1;
    return this.recurrent(top).output(state[top]);
  }

  /** Layer by layer, so that each has the whole sequence. */
  override run(xs: readonly Variable[], state: readonly RecurrentState[], masks: readonly Variable[] | null): Variable[] {
    checkArguments("run", arguments, 3);
    checkParts(this, state, this.layers.length, "the state of each layer");
    return this.layers.reduce<readonly Variable[]>(
      (below, layer, i) => layer.run(i === 0 ? below : below.map((h) => dropped(h, this.dropout)), state[i], masks), xs,
    ) as Variable[];
  }

  private recurrent(i: number): Recurrent {
    const layer = this.layers[i];
    if (layer instanceof Recurrent) return layer;
    throw new UsageError(
      `${this.constructor.name} has a ${layer.constructor.name} as layers[${i}], which needs the whole sequence. Use unfold instead of step.`,
    );
  }
}
