/** What the environment says to the program. */

interface Runtime {
  readonly process?: { readonly env: Readonly<Record<string, string | undefined>> };
  readonly Deno?: { readonly permissions: { querySync(of: { name: "env"; variable: string }): { readonly state: string } } };
}

/** A variable of the environment, if it is set. Deno would ask who runs the program, or throw, where it has not been allowed to tell: then it is not. */
export function environment(variable: string): string | undefined {
  const { process, Deno } = globalThis as Runtime;
  const isTold = Deno === undefined || Deno.permissions.querySync({ name: "env", variable }).state === "granted";
  return isTold ? process?.env[variable] : undefined;
}
