import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { type Composition, openProfile, type Profile } from '../../../plugins/host/index.js';
import { KvError } from '../../../ports/error.js';
import type { Journal } from '../../../ports/stargate/journal.js';
import type { LeaderLock, Lease } from '../../../ports/stargate/leader-lock.js';
import type { RepositoryHost } from '../../../ports/git/repository-host.js';
import { JOURNAL_PLACES, journalOf, noteJournal } from '../backup/journal.js';
import { parse, PLACE, required, shown } from '../command-line.js';
import { ownEnv } from '../process/environment.js';
import { failpoint } from '../process/failpoint.js';
import { settle } from '../settings/settle.js';
import { chooseProfile } from '../stargate-profile.js';
import { say } from '../process/terminal.js';
import { migrateJournal } from './migrate.js';
import { isThere, type JournalInUse, journalInUse, MOVABLE } from './same-journal.js';

const OPTIONS = { ...PLACE, to: { type: 'string' } } as const;

/** `git-kv-stargate journal migrate`; gives the exit code. */
export async function runJournal([verb, ...args]: readonly string[]): Promise<number> {
  if (verb !== 'migrate' && verb !== '--help' && verb !== '-h') {
    throw new KvError('USAGE', verb === undefined ? 'journal wants a verb' : `journal has no verb '${verb}'`, {
      hint: 'git-kv-stargate journal migrate --to sqlite --repo P',
    });
  }
  const values = parse(verb === 'migrate' ? args : ['--help'], OPTIONS);
  if (shown('journal', values)) return 0;
  const gitDir = resolve(required(values.repo, '--repo'));
  const wanted = required(values.to, '--to');
  if (wanted !== 'file' && wanted !== 'sqlite') {
    throw new KvError('USAGE', `--to wants sqlite or file, and got '${wanted}'`, { hint: 'see git-kv-stargate help journal' });
  }
  const { choice } = await settle(gitDir, values);
  const profile = await chooseProfile(choice);
  const composition = await openProfile(profile, { directory: gitDir, env: ownEnv() });
  try {
    await (await composition.get<RepositoryHost>('repository-host')).check();
    const lease = await soleLease(await composition.get<LeaderLock>('leader-lock'));
    say(`${(await migrate(gitDir, { profile, composition, lease, target: MOVABLE[wanted] })).join('\n')}\n`);
    return 0;
  } finally {
    await composition.close(); // and so the lease is given up
  }
}

interface Move {
  readonly profile: Profile;
  readonly composition: Composition;
  readonly lease: Lease;
  /** The adapter that is to have the journal. */
  readonly target: string;
}

/** Moves the journal while nobody leads; gives what there is to say. */
async function migrate(gitDir: string, { profile, composition, lease, target }: Move): Promise<string[]> {
  const named = await journalOf(profile);
  const used = await journalInUse(gitDir);
  if ((used ?? named).adapter === target) return [`the journal is kept by ${target}`, ...next(named.adapter, target)];
  const source = await existing(gitDir, used ?? named, named);
  const place = named.adapter === target ? (named.place ?? '') : (JOURNAL_PLACES[target] ?? '');
  const from = await composition.open<Journal>('journal', source.adapter, { path: source.place });
  try {
    const to = await composition.open<Journal>('journal', target, { path: place });
    try {
      const records = await migrateJournal({
        from: { adapter: source.adapter, journal: from },
        to: { adapter: target, journal: to },
        replace: used !== null,
        async commit() {
          if (!(await lease.held())) throw new KvError('NOT_LEADER', 'the lease was lost meanwhile', { hint: 'try again' });
          await noteJournal(gitDir, withJournal(profile, target, place));
        },
        reached: (step) => failpoint(`journal.${step}`),
      });
      const moved = `moved ${records} ${records === 1 ? 'record' : 'records'} from ${source.adapter} to ${target}, at ${place}`;
      return [moved, ...next(named.adapter, target)];
    } finally {
      await to.close();
    }
  } finally {
    await from.close();
  }
}

/** The lease, which a Stargate that leads would have. Throws `BUSY` when another holds it. */
async function soleLease(lock: LeaderLock): Promise<Lease> {
  const lease = await lock.acquire(`${hostname()}:${process.pid}, journal migrate`);
  if (lease !== null) return lease;
  const holder = await lock.holder();
  throw new KvError('BUSY', `a Stargate runs over this repository: ${holder?.name ?? 'nobody knows which'}`, {
    hint: 'stop all Stargates over it, then try again',
  });
}

/** The journal that the records are moved from, which is there. Throws `CONFIG_INVALID`. */
async function existing(gitDir: string, used: JournalInUse, named: JournalInUse): Promise<Required<JournalInUse>> {
  const { adapter } = used;
  const place = used.place ?? (named.adapter === adapter ? named.place : undefined) ?? JOURNAL_PLACES[adapter];
  if (place === undefined) {
    throw new KvError('CONFIG_INVALID', `the journal is kept by ${adapter}, which is none of those that can be moved`, {
      hint: `they are ${Object.values(MOVABLE).join(' and ')}`,
    });
  }
  if (await isThere(gitDir, place)) return { adapter, place };
  throw new KvError('CONFIG_INVALID', `there is no journal at ${place}`, {
    hint: 'name the profile that the Stargate was started with; a new repository needs no move',
  });
}

function withJournal(profile: Profile, use: string, path: string): Profile {
  return { ...profile, adapters: { ...profile.adapters, journal: { use, config: { path }, line: 1, wrap: [] } } };
}

/** What is left to do for the operator: nothing, when the profile names the target. */
function next(named: string, target: string): string[] {
  return named === target ? [] : [`next: name it in the profile that serve is started with: journal: ${target}`];
}
