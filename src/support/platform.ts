/** Types that Node and browsers declare, each in its own way. Programs that are compiled with neither's declarations get the part that is used here. */

export type Url = typeof globalThis extends { URL: { prototype: infer T } } ? T : { readonly href: string; readonly protocol: string };

export type Signal = typeof globalThis extends { AbortSignal: { prototype: infer T } } ? T : {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
};
