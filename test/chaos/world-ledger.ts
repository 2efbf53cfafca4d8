import { nodeHasher } from '../../adapters/hasher-node/open.js';
import { ObjectNamer } from '../../domain/git/object.js';
import { pathsOf, placeOf } from '../../domain/ledger/paths.js';
import { ledgerRef } from '../../domain/ledger/refs.js';
import type { Ran } from '../support/programs/processes.js';
import { type History, type Ledger, type LedgerEntry, writeIn } from './history.js';

const NAMER = new ObjectNamer(nodeHasher(), 'sha1');
const BEGIN = '\u0001';
const END = '\u0002';
const LINE = /^:\d{6} \d{6} [0-9a-f]+ ([0-9a-f]+) [A-Z]\t(.*)$/;

/** The blob of a value. */
export const blobOf = (value: string): string => NAMER.oid('blob', Buffer.from(value));

/** A repository, and whoever runs git in it. */
export interface LedgerPlace {
  readonly repo: string;
  git(cwd: string, person: string, args: readonly string[]): Promise<Ran>;
}

/** Reads a namespace's ledger out of a Stargate's repository, by plain git. */
export async function worldLedger(world: LedgerPlace, ns: string, keys: readonly string[], { writes }: History): Promise<Ledger> {
  const keyAt = new Map(keys.map((key) => [pathsOf(ns, placeOf(key, NAMER.hasher)).data, key]));
  const valueAt = new Map(writes.flatMap(({ set }) => Object.values(set).map((value) => [blobOf(value), value])));
  const value = (oid: string): string | null => (/^0+$/.test(oid) ? null : (valueAt.get(oid) ?? `blob ${oid}`));
  const git = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await world.git(world.repo, 'ada', args);
    if (code !== 0) throw new Error(`git ${args[0]}: ${stderr}`);
    return stdout;
  };
  if ((await git('for-each-ref', ledgerRef(ns))) === '') return { ns, entries: [], values: {} };
  const format = `--format=${BEGIN}%H%n%B${END}`;
  const log = await git('log', '--reverse', '--raw', '-r', '--no-abbrev', '--no-renames', '--root', format, ledgerRef(ns));
  const entries = log
    .split(BEGIN)
    .slice(1)
    .map((text): LedgerEntry => {
      const [message = '', raw = ''] = text.split(END);
      const changes = raw.split('\n').flatMap((line) => {
        const [, oid = '', path = ''] = LINE.exec(line) ?? [];
        const key = keyAt.get(path);
        return key === undefined ? [] : [[key, value(oid)] as const];
      });
      return { commit: message.slice(0, message.indexOf('\n')), write: writeIn(message), changes: Object.fromEntries(changes) };
    });
  const tree = await git('ls-tree', '-r', ledgerRef(ns));
  const values = tree.split('\n').flatMap((line) => {
    const [, oid = '', path = ''] = /^\d+ blob ([0-9a-f]+)\t(.*)$/.exec(line) ?? [];
    const key = keyAt.get(path);
    return key === undefined ? [] : [[key, value(oid)] as const];
  });
  return { ns, entries, values: Object.fromEntries(values) };
}
