// `npm run replica`: starts a server of the replication API as its quick start does, by PORT, SERVER_ID, DATA_DIR and PEER_URLS in the environment.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, ROOT } from './prepare.mjs';

// Two terminals may begin at the same moment: the second waits for what the first builds. What is built is taken as it is.
const program = join(ROOT, 'bin', 'git-kv-stargate.js');
const bundle = join(ROOT, 'dist', 'bin', 'git-kv-stargate.js');
if (process.argv[2] === '--build') {
  if (!existsSync(bundle)) {
    ensureInstalled();
    ensureBuilt();
  }
  process.exit(0);
}
if (!existsSync(bundle)) {
  const { status } = spawnSync('flock', [join(ROOT, 'package.json'), process.execPath, import.meta.filename, '--build'], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}
const { env } = process;
const said = (name) => (env[name] === undefined || env[name] === '' ? undefined : env[name]);
const option = (flag, value) => (value === undefined ? [] : [flag, value]);
const host = said('HOST') ?? '127.0.0.1';
const at = (port) => `${host.includes(':') ? `[${host}]` : host}:${port}`;
const args = [
  ...['serve', '--api', '--root', said('DATA_DIR') ?? './data'],
  ...['--listen-http', at(said('PORT') ?? '3000'), '--listen-ssh', at(said('SSH_PORT') ?? '0')],
  ...['--server-id', said('SERVER_ID') ?? 'server-1'],
  ...option('--peer', said('PEER_URLS')),
  ...option('--listen-peers', said('PEER_PORT') === undefined ? undefined : at(said('PEER_PORT'))),
  ...option('--peer-key-file', said('PEER_KEY_FILE')),
  ...option('--api-token-file', said('API_TOKEN_FILE')),
  ...option('--trusted', said('TRUSTED_NETWORKS')),
];
const child = spawn(process.execPath, [program, ...args], { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal ? 130 : 0)));
