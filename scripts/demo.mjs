// The main job on the embedded profile, end to end and real: a Stargate on loopback, a mirror, people with keys, and every
// command as a person would type it. Everything lies in one temporary folder; nothing of the user's is read or changed.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './prepare.mjs';

const once_ = process.argv.includes('--once');
const unknown = process.argv.slice(2).filter((arg) => arg !== '--once');
if (unknown.length > 0) {
  console.error(`unknown option ${unknown[0]}\nhint: npm start, or npm start -- --once`);
  process.exit(64);
}

const colour = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (code, text) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);
const step = (text) => console.log(`\n${paint('1;36', `── ${text} `)}`);
const note = (text) => console.log(paint('2', text));

const dir = mkdtempSync(join(tmpdir(), 'git-kv-demo-'));
const path = (...parts) => join(dir, ...parts);
for (const folder of ['bin', 'home', 'keys', 'share']) mkdirSync(path(folder));
// Where man looks for the pages of the programs in bin: git kv --help runs it.
symlinkSync(join(ROOT, 'share', 'man'), path('share', 'man'));
for (const name of ['git-kv', 'git-kv-stargate']) symlinkSync(join(ROOT, 'bin', `${name}.js`), path('bin', name));

/** A person's terminal: their key, a home of its own, and no Git configuration from outside. */
const environment = (person) => ({
  PATH: `${path('bin')}:${process.env.PATH}`,
  HOME: path('home'),
  TERM: process.env.TERM ?? 'dumb',
  LANG: process.env.LANG ?? 'C.UTF-8',
  ...(process.env.NO_COLOR ? { NO_COLOR: '1' } : {}),
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_SSH_COMMAND: sshCommand(person),
});
const sshCommand = (person) =>
  `ssh -F /dev/null -i ${path('keys', person)} -o IdentitiesOnly=yes -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile=${path('known_hosts')} -o LogLevel=ERROR`;

/** Runs a command line quietly; ends the demo when it fails. */
function quiet(person, cwd, command, ...args) {
  return execFileSync(command, args, { cwd, env: environment(person), encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Types a command line into a person's terminal and shows what comes back; `lines` cuts long output. */
async function type(person, line, { cwd = path(person), expect = 0, lines = 12 } = {}) {
  console.log(`${paint('32', `${person}$`)} ${paint('1', line)}`);
  const child = spawn('sh', ['-c', line], { cwd, env: environment(person), stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (out += text));
  const [code] = await once(child, 'close');
  const shown = out.replace(/\n$/, '').split('\n');
  for (const text of shown.slice(0, lines)) if (text) console.log(`  ${text}`);
  if (shown.length > lines) note(`  … ${shown.length - lines} more lines`);
  if (code !== 0) note(`  exit ${code}`);
  if (code !== expect) {
    console.error(`\nthis should have ended with ${expect}; the Stargate's log:\n${log.slice(-4000)}`);
    await end(1);
  }
  return out;
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

let stargate;
let log = '';
let ending = false;
async function end(code) {
  if (ending) return new Promise(() => undefined); // the first call ends the process
  ending = true;
  if (stargate && stargate.exitCode === null && stargate.signalCode === null) {
    const gone = once(stargate, 'exit');
    stargate.kill('SIGTERM');
    await gone;
  }
  rmSync(dir, { recursive: true, force: true });
  process.exit(code);
}
// The reader has gone (npm start -- --once | head): nothing is left to show, and nothing must be left behind.
process.stdout.on('error', () => void end(0));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => void end(once_ ? 130 : 0));

console.log(paint('1', 'git-kv: state as code, commits are transactions, Git is the database'));
note(`everything happens in ${dir}`);

step('an operator sets up a Stargate in front of a mirror');
for (const person of ['ada', 'bob', 'mallory']) {
  quiet('ada', dir, 'ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', `${person}@example.org`, '-f', path('keys', person));
  chmodSync(path('keys', person), 0o600);
}
quiet('ada', dir, 'git', 'init', '-q', '--bare', '--initial-branch=main', 'mirror.git');
const port = await freePort();
await type(
  'operator',
  `git-kv-stargate init --repo kv.git --mirror-remote ${path('mirror.git')} --push-url ssh://git@127.0.0.1:${port}/kv.git --admin keys/ada.pub --writer keys/ada.pub --writer keys/bob.pub`,
  { cwd: dir },
);
const policy = path('kv.git', '.kv', 'policy.yaml');
writeFileSync(policy, readFileSync(policy, 'utf8').replace('allowed_prefixes: []', 'allowed_prefixes: ["mime:", "cfg:"]'));
note('  (the policy now allows keys that begin with mime: or cfg:)');
const serve = ['serve', '--repo', path('kv.git'), '--listen-ssh', `127.0.0.1:${port}`, '--listen-http', '127.0.0.1:0'];
console.log(`${paint('32', 'operator$')} ${paint('1', `git-kv-stargate ${serve.join(' ')} &`)}`);
stargate = spawn(process.execPath, [join(ROOT, 'bin', 'git-kv-stargate.js'), ...serve], {
  env: environment('ada'),
  stdio: ['ignore', 'pipe', 'pipe'],
});
stargate.stderr.setEncoding('utf8').on('data', (text) => (log += text));
stargate.stdout.setEncoding('utf8');
let said = '';
while (!/^http/m.test(said)) {
  const next = await Promise.race([once(stargate.stdout, 'data'), once(stargate, 'exit').then(() => null)]);
  if (next === null) {
    console.error(log);
    await end(1);
  }
  said += next[0];
}
for (const line of said.trim().split('\n')) console.log(`  ${line}`);

step('two developers clone the mirror, as they always did');
for (const person of ['ada', 'bob']) {
  await type(person, `git clone ${path('mirror.git')} ${person}`, { cwd: dir, lines: 3 });
  const config = {
    'user.name': person,
    'user.email': `${person}@example.org`,
    'gpg.format': 'ssh',
    'user.signingKey': path('keys', person),
    'core.sshCommand': sshCommand(person),
  };
  for (const [key, value] of Object.entries(config)) quiet(person, path(person), 'git', 'config', key, value);
}
await type('ada', 'git kv remote setup');
quiet('bob', path('bob'), 'git', 'kv', 'remote', 'setup');

step("one atomic transaction: every type of the mime-db package's database");
const types = createRequire(import.meta.url)('mime-db');
const batch = Object.entries(types).map(([type_, entry]) =>
  JSON.stringify({ op: 'set', key: `mime:${type_}`, value: JSON.stringify(entry), ctype: 'application/json' }),
);
writeFileSync(path('ada', 'types.jsonl'), `${batch.join('\n')}\n`);
note(`  types.jsonl has ${batch.length} lines such as ${batch[0].slice(0, 90)}…`);
await type('ada', 'git kv mset --file types.jsonl');

step('reading, from any clone of the mirror');
const receipt = await type('ada', 'git kv set cfg:theme dark');
const commit = /[0-9a-f]{40}/.exec(receipt)?.[0];
await type('bob', `git kv wait --oid ${commit} --visible-on=github`);
await type('bob', 'git kv get mime:application/json');
await type('bob', 'git kv list --prefix mime:font/');
await type('bob', 'git kv list --prefix cfg: --long');

step('changing: delete, compare and set');
await type('ada', 'git kv del mime:application/x-bogus', { expect: 6 });
await type('ada', 'git kv del mime:video/vnd.youtube.yt');
await type('bob', 'git kv cas set cfg:theme light --expect-blob 0000000000000000000000000000000000000000', { expect: 2 });
await type('bob', 'git kv set cfg:theme light');
await type('ada', 'git kv get cfg:theme --read-from=stargate');
await type('ada', 'git kv history cfg:theme --read-from=stargate');

step('what the Stargate refuses');
await type('ada', 'git kv set secret:token hunter2', { expect: 3 });
quiet('bob', path('bob'), 'git', 'config', 'user.signingKey', path('keys', 'mallory'));
note("  (somebody signs with a key that is no writer's)");
await type('bob', 'git kv set cfg:theme evil', { expect: 3 });
quiet('bob', path('bob'), 'git', 'config', 'user.signingKey', path('keys', 'bob'));

step('how the Stargate is');
await type('ada', 'git kv stargate status');

if (once_) {
  step('done');
  await end(0);
}
step('the Stargate keeps running; try these in a second terminal (Ctrl-C here ends it and removes everything)');
console.log(`  cd ${path('ada')} && export PATH=${path('bin')}:$PATH`);
console.log('  git kv set cfg:hello "from the second terminal"');
console.log('  git kv list --prefix cfg: --long');
