import { join, resolve } from 'node:path';
import { openProfile } from '../../../plugins/host/index.js';
import type { Composition } from '../../../plugins/host/index.js';
import { EXIT_CODES } from '../../exit-codes.js';
import { parse, PLACE, required, shown } from '../command-line.js';
import { parseEndpoint } from '../endpoints.js';
import { ownEnv } from '../process/environment.js';
import { settle } from '../settings/settle.js';
import { chooseProfile } from '../stargate-profile.js';
import { type Checked, runChecks } from './check.js';
import { CHECKS, FIRST } from './checks.js';
import { say } from '../process/terminal.js';

const OPTIONS = { ...PLACE, 'listen-ssh': { type: 'string' }, json: { type: 'boolean' } } as const;

/** `git-kv-stargate check`; gives the exit code. */
export async function runCheck(args: readonly string[]): Promise<number> {
  const values = parse(args, OPTIONS);
  if (shown('check', values)) return 0;
  const gitDir = resolve(required(values.repo, '--repo'));
  const { settings, choice } = await settle(gitDir, values);
  const listenSsh = settings['listen-ssh'];
  let opened: Promise<Composition> | undefined;
  const open = async (): Promise<Composition> => openProfile(await chooseProfile(choice), { directory: gitDir, env: ownEnv() });
  const subject = {
    ...{ gitDir, choice, policyPath: settings['policy-path'].value ?? join(gitDir, '.kv', 'policy.yaml') },
    listenSsh:
      listenSsh.value === undefined || listenSsh.place.source === 'default'
        ? undefined
        : parseEndpoint(listenSsh.value, listenSsh.place.where),
    composition: () => (opened ??= open()),
  };
  try {
    const tell = values.json === true ? undefined : (one: Checked): unknown => say(line(one));
    const first = await runChecks(FIRST, subject, tell);
    const found = first.length > 0 ? first : await runChecks(CHECKS, subject, tell);
    const fault = found.find(({ level }) => level === 'fault');
    if (values.json === true) say(`${JSON.stringify({ ok: fault === undefined, findings: found })}\n`);
    return fault === undefined ? 0 : EXIT_CODES[fault.code ?? 'CONFIG_INVALID'];
  } finally {
    const composition = await opened?.catch(() => undefined); // the check of the profile has told why it can't be opened
    await composition?.close();
  }
}

const WIDTH = Math.max(...CHECKS.map(({ name }) => name.length)) + 2;

function line({ check, level, what, hint }: Checked): string {
  const about = hint === undefined || level === 'ok' ? '' : `${' '.repeat(9 + WIDTH)}hint: ${hint}\n`;
  return `${level.padEnd(9)}${check.padEnd(WIDTH)}${what.split('\n').join(`\n${' '.repeat(9 + WIDTH)}`)}\n${about}`;
}
