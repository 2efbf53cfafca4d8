/** What a value of a profile may come from, the strongest first. */
export type Source = 'flag' | 'environment' | 'repository' | 'profile' | 'default';

/** Where exactly a value stands. */
export interface ValuePlace {
  readonly source: Source;
  /** As messages name it: `p.yaml:7`, `GIT_KV_JOURNAL__PATH`, a flag. */
  readonly where: string;
}

/** A value that nobody has named: the adapter's own. */
export const DEFAULT_PLACE: ValuePlace = Object.freeze({ source: 'default', where: '' });

/** A line of a profile's file. */
export function lineOf(file: string, line: number): ValuePlace {
  return { source: 'profile', where: `${file}:${line}` };
}
