import { hostname } from 'node:os';
import { mkdir, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { openProfile } from '../../../plugins/host/index.js';
import { KvError } from '../../../ports/error.js';
import {
  foldedName,
  parseRepositoryName,
  REPOSITORY_NAME_RULE,
  type RepositoryName,
} from '../../../ports/grammar/repository-name.js';
import type { LeaderLock } from '../../../ports/stargate/leader-lock.js';
import { COMMON, NEW_REPOSITORY, parse, required, shown } from '../command-line.js';
import type { Operator } from '../cluster/operator/operator.js';
import { initRepository, type InitRequest, policyOf } from '../init.js';
import { ownEnv } from '../process/environment.js';
import { say } from '../process/terminal.js';
import { settle } from '../settings/settle.js';
import { chooseProfile } from '../stargate-profile.js';
import { Catalogue } from './folders/catalogue.js';
import { foundersOf } from '../repository/founders.js';
import { createEverywhere, isServed, removeEverywhere, throughCluster } from './everywhere.js';
import { draftsOf, moveToItsPlace } from './folders/make-repository.js';
import { moveAside } from './folders/move-aside.js';

const PLACE = { ...COMMON, root: { type: 'string' }, profile: { type: 'string' } } as const;
const CREATE = { ...PLACE, ...NEW_REPOSITORY } as const;
const REMOVE = { ...PLACE, yes: { type: 'boolean', default: false } } as const;

const VERBS: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = { create, list, remove };

/** `git-kv-stargate repo create|list|remove`; gives the exit code. */
export async function runRepo([verb = '', ...args]: readonly string[]): Promise<number> {
  const run = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined;
  if (run !== undefined) return run(args);
  const hint = 'see git-kv-stargate help repo';
  if (verb !== '' && !verb.startsWith('-'))
    throw new KvError('USAGE', `repo wants create, list or remove, and got '${verb}'`, { hint });
  if (shown('repo', parse([verb].filter(Boolean), COMMON))) return 0;
  throw new KvError('USAGE', 'repo wants create, list or remove', { hint });
}

async function create(args: readonly string[]): Promise<number> {
  const { text, rest } = named(args);
  const values = parse(rest, CREATE);
  if (shown('repo', values)) return 0;
  const name = repositoryName(text);
  const { hash } = values;
  if (hash !== 'sha1' && hash !== 'sha256') throw new KvError('USAGE', `--hash is sha1 or sha256, not '${hash}'`);
  const root = resolve(required(values.root, '--root'));
  const mirrorUrl = values['mirror-remote'] ?? null;
  const wanted: Omit<InitRequest, 'repo'> = {
    ...{ mirrorUrl, hash, pushUrl: values['push-url'] ?? null, hostKeys: null },
    ...{ admins: values.admin, writers: values.writer, readers: values.reader, namespaces: values.ns },
  };
  const everywhere = async (operator: Operator): Promise<void> => {
    if (mirrorUrl !== null)
      throw new KvError('USAGE', 'what several servers create has no mirror', { hint: 'leave --mirror-remote out' });
    const policy = values.admin.length === 0 ? null : await policyOf({ ...wanted, repo: catalogue.folder(name) });
    await createEverywhere(operator, text, hash, policy);
  };
  const catalogue = new Catalogue(root);
  if (values.profile !== undefined && (await throughCluster(root, values.profile, everywhere))) return 0;
  await mkdir(draftsOf(root), { recursive: true, mode: 0o700 });
  await requireFree(catalogue, name);
  // Made beside its place, under its own name, since a run with the same options changes nothing: here there is never anything.
  const draft = join(draftsOf(root), `${process.pid}.${Date.now()}`, basename(catalogue.folder(name)));
  try {
    await initRepository({
      ...{ ...wanted, repo: draft },
      ...(mirrorUrl === null ? { profile: 'unmirrored' } : { initialBranch: null }),
    });
    await requireFree(catalogue, name);
    await moveToItsPlace(draft, catalogue.folder(name));
  } finally {
    await rm(dirname(draft), { recursive: true, force: true });
  }
  const folder = catalogue.folder(name);
  const next = values['push-url'] === undefined ? `; put its push_url into ${folder}/.kv/policy.yaml` : '';
  say(`created ${text} in ${folder}\na Stargate that serves ${root} takes it up within seconds${next}\n`);
  return 0;
}

async function list(args: readonly string[]): Promise<number> {
  const values = parse(args, PLACE);
  if (shown('repo', values)) return 0;
  const names = await new Catalogue(resolve(required(values.root, '--root'))).list();
  say(names.map((name) => `${name}\n`).join(''));
  return 0;
}

async function remove(args: readonly string[]): Promise<number> {
  const { text, rest } = named(args);
  const values = parse(rest, REMOVE);
  if (shown('repo', values)) return 0;
  const name = repositoryName(text);
  const root = resolve(required(values.root, '--root'));
  const folder = await new Catalogue(root).find(name);
  if (folder === null) throw new KvError('NOT_FOUND', `there is no repository '${text}' below ${root}`);
  if (!values.yes)
    throw new KvError('USAGE', `repo remove takes ${text} away from everybody who uses it`, {
      hint: 'say so with --yes; it is moved aside and not deleted',
    });
  const { profile } = values;
  if (profile !== undefined && (await throughCluster(root, profile, (operator) => removeEverywhere(operator, text)))) return 0;
  if ((await foundersOf(folder)) !== null && (await isServed(root)))
    throw new KvError('BUSY', `${text} is of several servers, and a Stargate serves ${root}`, {
      hint: 'name the profile that it is served with, or stop the servers and run this on each',
    });
  const lease = await soleLease(folder, text);
  try {
    const target = await moveAside(new Catalogue(root), name);
    say(`removed ${text}\nit is in ${target}: delete it there, or move it back\n`);
    return 0;
  } finally {
    await lease.close();
  }
}

/** Wins the lease that a Stargate which serves the repository would have. Throws `BUSY` when one has it. */
async function soleLease(gitDir: string, name: string): Promise<{ close(): Promise<void> }> {
  const { choice } = await settle(gitDir, {});
  const composition = await openProfile(await chooseProfile(choice), { directory: gitDir, env: ownEnv() });
  try {
    const lock = await composition.get<LeaderLock>('leader-lock');
    if ((await lock.acquire(`${hostname()}:${process.pid}, repo remove`)) !== null) return composition;
    const holder = await lock.holder();
    throw new KvError('BUSY', `${name} is served now, by ${holder?.name ?? 'somebody'}`, {
      hint: 'stop that Stargate, or wait for a minute in which nobody uses the repository',
    });
  } catch (error) {
    await composition.close();
    throw error;
  }
}

/** The repository's name stands first. */
function named([text = '', ...rest]: readonly string[]): { readonly text: string; readonly rest: readonly string[] } {
  return text.startsWith('-') ? { text: '', rest: [text, ...rest] } : { text, rest };
}

function repositoryName(text: string): RepositoryName {
  const name = parseRepositoryName(text);
  if (name !== null) return name;
  throw new KvError(
    'USAGE',
    text === '' ? "the repository's name is missing" : `'${text.slice(0, 200)}' is no repository's name`,
    {
      hint: `a name is ${REPOSITORY_NAME_RULE}`,
    },
  );
}

async function requireFree(catalogue: Catalogue, { owner, name }: RepositoryName): Promise<void> {
  const taken = await catalogue.taken({ owner, name });
  if (taken === null) return;
  const wanted = `${owner}/${name}`;
  const same = foldedName(taken) === foldedName(wanted) && taken !== wanted ? `, which differs from ${wanted} in case alone` : '';
  throw new KvError('CAS_CONFLICT', `there is a repository ${taken}${same}`, { hint: 'choose another name' });
}
