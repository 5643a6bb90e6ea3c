/** Correctness before speed: what a framework computes must agree with the others, on the same data from the same parameters. */

/**
 * Relative. Float32 has 6e-8; sums of 10⁴ to 10⁶ terms in different orders, and approximations of exp and tanh, leave 10⁻⁶ to
 * 10⁻⁵ in the losses and norms here. A wrong sign, factor or missing term shows at 10⁻² and more.
 */
export const TOLERANCE = 1e-4;

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)];
const total = (norms) => Math.hypot(...Object.values(norms));

/**
 * Marks cells that fail. The reference is the median of all frameworks, so that whoever is alone is found.
 * @param cells with `loss` and `norms` of gradients
 * @param vanishing parameters whose gradient may be 0
 * @returns what was compared with what
 */
export function agree(cells, problem, vanishing = [], tolerance = TOLERANCE) {
  const names = Object.keys(problem.parameters);
  for (const cell of cells) {
    const wrong = names.filter((name) => !(cell.norms[name] < Infinity && (cell.norms[name] > 0 || (cell.norms[name] === 0 && vanishing.includes(name)))));
    if (wrong.length > 0) cell.failure = `gradients missing, 0 or not finite: ${wrong.join(", ")}`;
    else if (!Number.isFinite(cell.loss)) cell.failure = `the loss is ${cell.loss}`;
  }
  const sound = cells.filter((cell) => !cell.failure);
  if (sound.length === 0) return null;
  const reference = {
    loss: median(sound.map((cell) => cell.loss)), norms: Object.fromEntries(names.map((name) => [name, median(sound.map((cell) => cell.norms[name]))])),
  };
  const whole = total(reference.norms);
  for (const cell of sound) {
    const loss = Math.abs(cell.loss / reference.loss - 1);
    // The norm of one parameter counts by at least a hundredth of all: a tiny gradient is a difference of large terms.
    const gradients = names.map((name) => Math.abs(cell.norms[name] - reference.norms[name]) / Math.max(reference.norms[name], whole / 100));
    const gradient = Math.max(0, ...gradients);
    cell.difference = { loss, gradient };
    if (loss > tolerance) cell.failure = `first loss ${cell.loss}, the others ${reference.loss}`;
    else if (gradient > tolerance) cell.failure = `norm of the gradient of ${names[gradients.indexOf(gradient)]} differs by ${gradient.toPrecision(2)}`;
  }
  return { loss: reference.loss, gradientNorm: whole, tolerance };
}
