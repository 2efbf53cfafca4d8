import { resolve } from 'node:path';
import { KvError } from '../../../ports/error.js';
import { parseDuration } from '../../../ports/grammar/duration.js';
import { COMMON, parse, required, shown } from '../command-line.js';
import { type HostKeys, readHostKeys } from './key-files.js';
import { namedKeys } from './keyring.js';
import { finishRotation, type Rotated, rotateHostKeys } from './rotation.js';

const SHOW = { ...COMMON, repo: { type: 'string' } } as const;
const ROTATE = { ...SHOW, grace: { type: 'string' }, now: { type: 'boolean' } } as const;

const GRACE = '30d';

/** `git-kv-stargate host-key show|rotate`; gives the exit code. */
export async function runHostKey([action = '', ...args]: readonly string[]): Promise<number> {
  if (action === 'show') return show(args);
  if (action === 'rotate') return rotate(args);
  if (shown('host-key', parse([action, ...args].filter(Boolean).slice(0, 1), COMMON))) return 0;
  throw new KvError('USAGE', 'host-key wants show or rotate', { hint: 'see git-kv-stargate help host-key' });
}

async function show(args: readonly string[]): Promise<number> {
  const values = parse(args, SHOW);
  if (shown('host-key', values)) return 0;
  const keys = await readHostKeys(resolve(required(values.repo, '--repo')));
  process.stdout.write(`${describe(keys).join('\n')}\n`);
  return 0;
}

async function rotate(args: readonly string[]): Promise<number> {
  const values = parse(args, ROTATE);
  if (shown('host-key', values)) return 0;
  const repo = resolve(required(values.repo, '--repo'));
  if (values.now === true && values.grace !== undefined) throw new KvError('USAGE', 'give --grace or --now, not both');
  const grace = values.now === true ? 0 : parseDuration(values.grace ?? GRACE);
  if (grace === undefined) {
    throw new KvError('USAGE', `--grace wants a duration, and got '${values.grace}'`, { hint: `for example ${GRACE}` });
  }
  const rotated = await rotateHostKeys(repo, { grace, now: Date.now() });
  await finishRotation(repo, Date.now());
  const keys = await readHostKeys(repo);
  process.stdout.write(`${[...outcome(rotated, keys), ...describe(keys), ...NEXT[rotated.kind]].join('\n')}\n`);
  return 0;
}

/** The keys, a line each, as init and serve show them too. */
function describe(keys: HostKeys): string[] {
  const until = keys.switchAt === null ? '' : `, next from ${new Date(keys.switchAt).toISOString()}`;
  return namedKeys(keys).map(({ type, fingerprint, state }) => `  ${fingerprint}  ${type}${state === 'next' ? until : ''}`);
}

function outcome(rotated: Rotated, { switchAt }: HostKeys): string[] {
  const when = switchAt === null ? '' : new Date(switchAt).toISOString();
  switch (rotated.kind) {
    case 'made':
      return [`made new host keys for those that were lost: ${rotated.kinds.join(', ')}`];
    case 'begun':
      return [`new host keys are there, and take over at ${when}`];
    case 'under-way':
      return [`a rotation is under way already: the new host keys take over at ${when}, or now with --now`];
    case 'switched':
      return ['the new host keys are in use'];
  }
}

const TAKES_UP = 'a Stargate that runs takes this up within a minute, or at once on SIGHUP';
const TELL = 'tell everybody: git kv remote setup --fingerprint SHA256:…';
const NEXT: Readonly<Record<Rotated['kind'], readonly string[]>> = {
  made: [TAKES_UP, `clients that knew the lost key refuse the new one; ${TELL}`],
  begun: [
    TAKES_UP,
    `OpenSSH notes the new keys when it next connects; to those that don't by then, and to other clients, ${TELL}`,
  ],
  'under-way': [],
  switched: [TAKES_UP, `clients that don't know the new key yet refuse it; ${TELL}`],
};
