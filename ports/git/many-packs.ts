/** A pack of a repository, as its folder tells it: bytes, and when it was last changed in milliseconds. */
export interface PackFacts {
  readonly size: number;
  readonly mtimeMs: number;
}

/** So many packs are worth one index of them all: a reader looks for each object in pack after pack. */
export const MANY_PACKS = 8;
/** Writing it takes time for every object that there is: what it would add must have such a share of all bytes. */
const SHARE = 0.1;

/** Whether an index of all packs (`git multi-pack-index`) is to be written anew; `written` is when it last was, null: never. */
export function areWorthOneIndex(packs: readonly PackFacts[], written: number | null): boolean {
  const fresh = packs.filter(({ mtimeMs }) => written === null || mtimeMs > written);
  return fresh.length >= MANY_PACKS && bytesOf(fresh) >= SHARE * bytesOf(packs);
}

const bytesOf = (packs: readonly PackFacts[]): number => packs.reduce((sum, { size }) => sum + size, 0);
