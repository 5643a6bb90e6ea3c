/** How a launch lies in memory: kernel (its place in the table), bytes to the next launch, operand addresses, parameters. */

/** Bytes before the first operand. */
export const HEADER = 8;
