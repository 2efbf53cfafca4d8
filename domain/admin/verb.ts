import type { AdminClient } from '../../ports/clone/admin-client.js';
import { KvError } from '../../ports/error.js';
import { type Fields, isObject, misfit } from './fields.js';

/** Who may ask: any key of the policy, who may push, or admins alone. */
export type VerbRole = 'any' | 'writer' | 'admin';

/** One thing that the Stargate is asked over SSH, as both sides see it: `Arguments` go there as words, a `Report` comes back as JSON. */
export interface VerbFormat<Arguments, Report> {
  readonly name: string;
  readonly role: VerbRole;
  /** The words behind the verb. */
  encode(args: Arguments): string[];
  /** Reads them. Throws `USAGE`. */
  decode(words: readonly string[]): Arguments;
  /** What a report must have to be one. */
  readonly report: Fields<Report>;
}

/** The arguments of a verb that takes none. */
export type NoArguments = Readonly<Record<string, never>>;

/**
 * Asks the Stargate behind a remote. The other side may be of another version: fields that this one doesn't know stay in the report.
 * Throws `FORMAT_UNSUPPORTED` when those that it knows are missing or changed, and whatever the Stargate throws.
 */
export async function askStargate<Arguments, Report>(
  stargate: AdminClient,
  remote: string,
  verb: VerbFormat<Arguments, Report>,
  args: Arguments,
): Promise<Report> {
  return readReport(verb, await stargate.run(remote, verb.name, verb.encode(args)));
}

/** Holds an answer against what the verb reports. Throws `FORMAT_UNSUPPORTED` naming the verb and the first field that differs. */
export function readReport<Report>(
  { name, report }: Pick<VerbFormat<never, Report>, 'name' | 'report'>,
  answer: unknown,
): Report {
  const field = isObject(answer) ? misfit(report, answer) : null;
  if (field === undefined) return answer as Report; // every field of it has just been looked at
  const what = field === null ? 'with no JSON object' : `with another '${field}' than this version reads`;
  throw new KvError('FORMAT_UNSUPPORTED', `the Stargate answers '${name}' ${what}`, {
    hint: 'update git-kv, here or on the Stargate, whichever is older',
    details: { verb: name, field },
  });
}

/** A word as a complaint about it shows it. */
export function shownWord(word: string): string {
  return `'${word.slice(0, 60)}'`;
}
