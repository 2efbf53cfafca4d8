import { resolve } from 'node:path';
import { KvError } from '../../../ports/error.js';
import { parseDuration } from '../../../ports/grammar/duration.js';
import { COMMON, parse, required, shown } from '../command-line.js';
import { type HostKeys, readHostKeys } from './key-files.js';
import { namedKeys } from './keyring.js';
import { finishRotation, type Rotated, rotateHostKeys } from './rotation.js';
import { say } from '../process/terminal.js';

const SHOW = { ...COMMON, repo: { type: 'string' } } as const;
const ROTATE = { ...SHOW, grace: { type: 'string' }, now: { type: 'boolean' } } as const;

const GRACE = '30d';

/** `git-kv-stargate host-key show|rotate`; gives the exit code. */
export async function runHostKey([action = '', ...args]: readonly string[]): Promise<number> {
  if (action === 'show') return show(args);
  if (action === 'rotate') return rotate(args);
  if (action !== '' && !action.startsWith('-'))
    throw new KvError('USAGE', `host-key wants show or rotate, and got '${action}'`, {
      hint: 'see git-kv-stargate help host-key',
    });
  if (shown('host-key', parse([action, ...args].filter(Boolean).slice(0, 1), COMMON))) return 0;
  throw new KvError('USAGE', 'host-key wants show or rotate', { hint: 'see git-kv-stargate help host-key' });
}

async function show(args: readonly string[]): Promise<number> {
  const values = parse(args, SHOW);
  if (shown('host-key', values)) return 0;
  const keys = await readHostKeys(resolve(required(values.repo, '--repo')));
  say(`${describe(keys).join('\n')}\n`);
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
  const rotated = await rotateHostKeys(repo, { grace, now: Date.now(), sooner: values.grace !== undefined });
  await finishRotation(repo, Date.now());
  const keys = await readHostKeys(repo);
  say(`${[...outcome(rotated, keys, values.grace), ...describe(keys), ...NEXT[rotated.kind]].join('\n')}\n`);
  return 0;
}

/** The keys, a line each, as init and serve show them too. */
function describe(keys: HostKeys): string[] {
  const until = keys.switchAt === null ? '' : `, next from ${new Date(keys.switchAt).toISOString()}`;
  return namedKeys(keys).map(({ type, fingerprint, state }) => `  ${fingerprint}  ${type}${state === 'next' ? until : ''}`);
}

function outcome(rotated: Rotated, { switchAt }: HostKeys, grace: string | undefined): string[] {
  const when = switchAt === null ? '' : new Date(switchAt).toISOString();
  switch (rotated.kind) {
    case 'made':
      return [`made new host keys for those that were lost: ${rotated.kinds.join(', ')}`];
    case 'begun':
      return [`new host keys are there, and take over at ${when}`];
    case 'under-way':
      return [
        `a rotation is under way already: the new host keys take over at ${when}, or now with --now`,
        ...(grace === undefined ? [] : [`--grace ${grace} would put that off, so it was left aside`]),
      ];
    case 'sooner':
      return [`a rotation is under way already: the new host keys take over sooner now, at ${when}`];
    case 'switched':
      return ['the new host keys are in use'];
  }
}

const TAKES_UP = 'a Stargate that runs takes this up within a minute, or at once on SIGHUP';
const TELL = 'tell everybody: git kv remote setup --fingerprint SHA256:…';
const KEPT = 'a copy of the host keys that is kept elsewhere is out of date now: take another one';
/** What new keys in the place of lost ones mean, for whoever has to tell people. */
export const REFUSED_UNTIL_TOLD = `clients that knew the lost key refuse the new one; ${TELL}`;
const NEXT: Readonly<Record<Rotated['kind'], readonly string[]>> = {
  made: [KEPT, TAKES_UP, REFUSED_UNTIL_TOLD],
  begun: [
    KEPT,
    TAKES_UP,
    `OpenSSH notes the new keys when it next connects; to those that don't by then, and to other clients, ${TELL}`,
  ],
  'under-way': [],
  sooner: [TAKES_UP],
  switched: [KEPT, TAKES_UP, `clients that don't know the new key yet refuse it; ${TELL}`],
};
