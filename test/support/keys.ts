import { readFileSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';

/** Makes an SSH key pair without a passphrase: `file` and `file.pub`. */
export function makeKey(file: string, comment: string, type: 'ed25519' | 'rsa' = 'ed25519'): void {
  execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-C', comment, '-f', file], { stdio: ['ignore', 'pipe', 'pipe'] });
}

/** The key pairs of persons, by what stands behind them in the public half. */
const persons = new Map<string, readonly [string, string]>();

/** A person's key pair, as `makeKey` makes one: in all places of a process the same, which is made once. */
export function personKey(file: string, person: string): void {
  const known = persons.get(person);
  if (known === undefined) {
    makeKey(file, person);
    persons.set(person, [readFileSync(file, 'utf8'), readFileSync(`${file}.pub`, 'utf8')]);
    return;
  }
  writeFileSync(file, known[0], { mode: 0o600 });
  writeFileSync(`${file}.pub`, known[1]);
}

/** The public half of a key pair, as it goes over the wire. */
export function publicBlob(file: string): Buffer {
  return Buffer.from(readFileSync(`${file}.pub`, 'utf8').split(' ')[1] ?? '', 'base64');
}

/** Options of an ssh client that knows one key and nothing of the user's. */
export function sshOptions(key: string, knownHosts = '/dev/null'): string[] {
  return [
    ...['-F', '/dev/null', '-i', key, '-o', 'IdentitiesOnly=yes', '-o', 'IdentityAgent=none', '-o', 'BatchMode=yes'],
    ...['-o', 'StrictHostKeyChecking=no', '-o', `UserKnownHostsFile=${knownHosts}`, '-o', 'LogLevel=ERROR'],
  ];
}
