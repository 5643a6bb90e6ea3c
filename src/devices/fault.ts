/** A kernel met data that it cannot work with. The step turns this into an error that names the operation. */
export class LaunchFault extends Error {
  constructor(
    readonly launch: number,
    readonly reason: "index" | "nan",
    readonly value: number,
    readonly limit = 0,
  ) {
    super(`launch ${launch}: ${reason} ${value}`);
  }
}
