/** A connection that has not logged in yet. */
export interface Waiting {
  readonly network: string;
  /** When it came, or came a step closer to a login: ms of any clock. */
  readonly advanced: number;
}

/** Who is spared. */
export interface Sparing {
  /** Whether somebody has logged in from a network lately. */
  readonly knows: (network: string) => boolean;
  /** So many connections of a known network are spared. */
  readonly sparedOfNetwork: number;
}

/**
 * Which of the connections that wait has to go for there to be room. A known network's are spared, so that nobody else's storm keeps out
 * who has been here before. Of the others, those of the network that has most of them go first, so that one host cannot push all others
 * out; and of these the one that has stood still longest. A login that is under way is always a young one by that.
 */
export function expendable<One extends Waiting>(waiting: readonly One[], { knows, sparedOfNetwork }: Sparing): One | undefined {
  const counts = new Map<string, number>();
  for (const { network } of waiting) counts.set(network, (counts.get(network) ?? 0) + 1);
  const order = ({ network, advanced }: One): readonly number[] => {
    const count = counts.get(network) ?? 0;
    return [knows(network) && count <= sparedOfNetwork ? 1 : 0, -count, advanced];
  };
  let first: { readonly one: One; readonly rank: readonly number[] } | undefined;
  for (const one of waiting) {
    const rank = order(one);
    if (first === undefined || isBefore(rank, first.rank)) first = { one, rank };
  }
  return first?.one;
}

function isBefore(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((value, i) => value !== b[i]);
  return at >= 0 && (a[at] as number) < (b[at] as number);
}
