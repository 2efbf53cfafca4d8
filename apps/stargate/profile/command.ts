import { resolve } from 'node:path';
import { openProfile, type ProfileValue, shownValue } from '../../../plugins/host/index.js';
import { KvError } from '../../../ports/error.js';
import { parse, PLACE, required, shown } from '../command-line.js';
import { ownEnv } from '../process/environment.js';
import { settle } from '../settings/settle.js';
import { SETTING_NAMES } from '../settings/table.js';
import { chooseProfile } from '../stargate-profile.js';
import { complain, say } from '../process/terminal.js';

const OPTIONS = {
  ...PLACE,
  'listen-ssh': { type: 'string' },
  'listen-http': { type: 'string' },
  'sample-size': { type: 'string' },
  json: { type: 'boolean' },
} as const;

/** `git-kv-stargate profile show`; gives the exit code. */
export async function runProfile([verb, ...args]: readonly string[]): Promise<number> {
  if (verb !== 'show' && verb !== '--help' && verb !== '-h')
    throw new KvError('USAGE', verb === undefined ? 'profile wants a verb' : `profile has no verb '${verb}'`, {
      hint: 'git-kv-stargate profile show --repo P',
    });
  const values = parse(verb === 'show' ? args : ['--help'], OPTIONS);
  if (shown('profile', values)) return 0;
  const gitDir = resolve(required(values.repo, '--repo'));
  const { settings, choice } = await settle(gitDir, values);
  const profile = await chooseProfile(choice);
  const composition = await openProfile(profile, { directory: gitDir, env: ownEnv() });
  try {
    const own = SETTING_NAMES.map((name) => shownValue(name, settings[name].value, settings[name].place));
    const plugins = profile.plugins.map((plugin, i) =>
      typeof plugin === 'string'
        ? shownValue(`plugins[${i}]`, plugin, { source: 'profile', where: profile.file })
        : shownValue(`plugins[${i}]`, plugin.use, plugin.place),
    );
    const hosts = shownValue('hosts', profile.hosts ?? 'one', {
      source: profile.hosts === undefined ? 'default' : 'profile',
      where: profile.hostsAt ?? '',
    });
    const all = [...own, hosts, ...plugins, ...(await composition.values())];
    const failed = composition.failed.map(({ message }) => message);
    if (values.json === true)
      say(`${JSON.stringify({ ok: true, profile: profile.name, values: all, failed_plugins: failed })}\n`);
    else say(table(all));
    for (const message of failed) complain(`warning: ${message}\n`);
    return 0;
  } finally {
    await composition.close();
  }
}

function table(values: readonly ProfileValue[]): string {
  const width = Math.max(...values.map(({ name }) => name.length));
  const texts = values.map(({ value }) => textOf(value));
  const wide = Math.min(40, Math.max(...texts.map(({ length }) => length)));
  const from = ({ source, where }: ProfileValue): string => (where === '' ? source : `${source}: ${where}`);
  return values
    .map((value, i) => `${value.name.padEnd(width)}  ${(texts[i] ?? '').padEnd(wide)}  ${from(value)}`.trimEnd())
    .join('\n')
    .concat('\n');
}

function textOf(value: unknown): string {
  if (value === null) return '-';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
