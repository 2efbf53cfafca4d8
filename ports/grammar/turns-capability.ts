/** Begins the capability by which a Stargate's receive-pack names where somebody has the turn; git leaves what it doesn't know alone. */
export const TURNS_CAPABILITY = 'kv-turns=';

/** A line of git's protocol has room for these beside a ref, its id and everything else that is said there. */
const MOST_NAMES = 16;

/** The capability for these names, of which the first ones are told; null for none. */
export function turnsCapability(names: readonly string[]): string | null {
  return names.length === 0 ? null : `${TURNS_CAPABILITY}${names.slice(0, MOST_NAMES).join(',')}`;
}
