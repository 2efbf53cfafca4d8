import { KvError, type KvErrorFields } from '../../../../ports/error.js';
import type { Direction } from '../../../../ports/git/git-remote.js';
import { isOutOfSpace } from '../../../../ports/grammar/git-words/out-of-space.js';
import { shownUrl, withoutSecrets } from '../../../../ports/grammar/network/shown-url.js';
import { parseSshUrl } from '../../../../ports/grammar/network/ssh-url.js';
import { parseRejection } from '../../../../ports/rejection.js';

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about.
const RESET = /\u001b\[[0-9;]*[mK]/g;

/** The first error that a Stargate sent in what a program wrote to stderr, or null. */
export function kvErrorIn(stderr: string): KvError | null {
  for (const line of stderr.split(/[\r\n]+/)) {
    const error = parseRejection(line);
    if (error !== undefined) return error;
  }
  return null;
}

const UNREACHABLE = new RegExp(
  [
    'Could not read from remote repository',
    'Connection (refused|reset|closed|timed out)',
    'Could not resolve host',
    'unable to access',
    'hung up unexpectedly',
    'Permission denied',
    'Host key verification failed',
    'host key is not cached',
    'Cannot confirm a host key',
    'not in manually configured list',
    'POTENTIAL SECURITY BREACH',
    'No route to host',
    'Network is unreachable',
    'does not appear to be a git repository',
    'kex_exchange',
    'early EOF',
  ].join('|'),
  'i',
);
const BOILERPLATE =
  /^(fatal: Could not read from remote repository\.|Please make sure you have|and the repository exists\.|remote: kv-error)/;

/** git's words for a repository of another user; the lines behind it say how it is trusted. */
const DUBIOUS = /detected dubious ownership in repository at '(.+)'/;

/** What a host says of the first object that it doesn't give by its id: it has not got it, or gives only what its refs name. */
export const NOT_GIVEN = /(?:not our ref|unadvertised object) ([0-9a-f]{40,64})/;

/** Who was spoken to, and what for. */
interface Contact {
  /** What failed, as the message begins. */
  readonly what: string;
  readonly url: string;
  /** `write` leads to the Stargate, `read` to the mirror. */
  readonly direction: Direction;
}

/** The other side can't be reached: `IO_ERROR` with git's or ssh's own words; null when that is not what happened. */
export function unreachable({ what, url, direction }: Contact, stderr: string): KvError | null {
  if (!UNREACHABLE.test(stderr)) return null;
  const lines = withoutSecrets(stderr)
    .replace(RESET, '')
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (direction === 'write' && /Connection refused/i.test(stderr)) {
    return new KvError('IO_ERROR', `no Stargate at ${shownUrl(url)}: connection refused`, {
      hint: 'start it, or correct the pushurl',
      advice: { id: 'correct-push-url' },
    });
  }
  const changed = changedHostKey({ what, url, direction }, lines);
  if (changed !== null) return changed;
  const owner = lines.find((line) => DUBIOUS.test(line));
  const said = owner ?? lines.filter((line) => !BOILERPLATE.test(line)).at(-1) ?? lines[0] ?? '';
  // ssh begins with the account, which the URL has already named.
  const words = said
    .replace(/^(fatal|error): /, '')
    .replace(/^\S{1,255}@\S{1,255}: (?=Permission denied)/, '')
    .replace(/\.$/, '');
  return new KvError('IO_ERROR', `${what}: ${words}`, hintFor(stderr, url, direction));
}

function hintFor(stderr: string, url: string, direction: Direction): KvErrorFields {
  const host = direction === 'write' ? 'the Stargate' : 'the Git host';
  if (/Permission denied \(/.test(stderr)) {
    const open = /^Permissions \d+ for '(.+)' are too open/m.exec(stderr)?.[1];
    if (open !== undefined) return { hint: `ssh has left out a key that others may read: chmod 600 ${open}` };
    const where = direction === 'write' ? 'have an admin add yours to the policy' : 'add yours there';
    const choose = 'choose one: git config core.sshCommand "ssh -i FILE"';
    return { hint: `${host} knows none of the keys that ssh offered: ${where}, or ${choose}` };
  }
  const owned = DUBIOUS.exec(stderr)?.[1];
  if (owned !== undefined)
    return { hint: `it belongs to another user; if you trust it: git config --global --add safe.directory ${shownUrl(owned)}` };
  if (/Host key verification failed|host key is not cached|Cannot confirm a host key/.test(stderr)) {
    const { host: name, port } = parseSshUrl(url) ?? { host: 'HOST', port: null };
    const scan = `ssh-keyscan ${port === null ? '' : `-p ${port} `}${name}`;
    const published = direction === 'write' ? 'the Stargate printed when it was made' : 'the Git host publishes';
    return {
      hint: `compare ${scan} | ssh-keygen -lf - with what ${published}, then: ${scan} >> ~/.ssh/known_hosts`,
      ...(direction === 'write' ? { advice: { id: 'compare-host-key', scan } } : {}),
    };
  }
  return direction === 'write'
    ? { hint: 'check the address (git remote -v) and that the Stargate is up' }
    : {
        hint: 'check the address (git remote -v), or read without it: from the Stargate, or offline',
        advice: { id: 'read-elsewhere' },
      };
}

/** OpenSSH's words, and plink's: of a key that it has cached, and of one that it was told. */
const CHANGED = /REMOTE HOST IDENTIFICATION HAS CHANGED|POTENTIAL SECURITY BREACH|not in manually configured list/;

/** Another host key than the one that is known, with ssh's own warning: not what a first contact is. Null when that is not what happened. */
function changedHostKey({ what, url, direction }: Contact, lines: readonly string[]): KvError | null {
  const begins = lines.findIndex((line) => CHANGED.test(line));
  if (begins < 0) return null;
  const end = lines.findIndex((line, at) => at > begins && /^(Host key verification failed|fatal:)/.test(line));
  const warning = lines.slice(begins, end < 0 ? undefined : end).filter((line) => !/^@*$/.test(line));
  const fingerprint = /SHA256:[A-Za-z0-9+/]{43}/.exec(warning.join(' '))?.[0];
  const host = direction === 'write' ? 'the Stargate' : 'the Git host';
  const message = `${what}: ${host} shows another host key than the one that is known here. ssh says:\n  ${warning.join('\n  ')}`;
  const details = { host_key: 'changed', fingerprint: fingerprint ?? null };
  if (direction === 'read') {
    const name = parseSshUrl(url)?.host ?? 'HOST';
    return new KvError('IO_ERROR', message, {
      details,
      hint: `compare with what the Git host publishes; if its key is a new one, remove the old: ssh-keygen -R ${name}`,
    });
  }
  return new KvError('IO_ERROR', message, {
    details,
    hint: 'somebody else may answer there, or the Stargate has a new key: ask whoever runs it for the fingerprint',
    advice: { id: 'host-key-changed', fingerprint: fingerprint ?? 'SHA256:…' },
  });
}

/** A clone of the other object format: a SHA-256 repository without branches, cloned by git before 2.41. Null when that is not it. */
export function wrongFormat(what: string, stderr: string): KvError | null {
  const formats = /mismatched algorithms: client (\w+); server (\w+)/.exec(stderr);
  if (formats === null) return null;
  return new KvError('GIT_ERROR', `${what}: it has ${formats[2]} objects, and this clone was made for ${formats[1]}`, {
    hint: `clone it anew: git init --object-format=${formats[2]} DIR, then git remote add in it, and set the remote up`,
    advice: { id: 'clone-anew', format: formats[2] ?? '' },
  });
}

const UNWRITABLE =
  /^(?:fatal|error): (?:insufficient permission for adding an object|(?:unable to create|could not open|cannot (?:open|lock|update)) .*: (?:Permission denied|Read-only file system)$)/;

/** This clone belongs to somebody else, or can't be written to: `IO_ERROR`; null when that is not what happened. */
export function unwritableHere(what: string, stderr: string): KvError | null {
  const said = stderr.split(/[\r\n]+/).find((line) => UNWRITABLE.test(line));
  if (said === undefined) return null;
  const words = withoutSecrets(said.replace(/^(fatal|error): /, '').trim());
  return new KvError('IO_ERROR', `${what}: this clone can't be written to: ${words}`, {
    hint: 'read what it has, offline, or use a clone of your own',
    advice: { id: 'read-offline' },
  });
}

/** This clone's own disk has no room left: `STORAGE_FULL`; null when that is not what happened. The other side's words are marked. */
export function noRoomHere(what: string, stderr: string): KvError | null {
  const said = stderr.split(/[\r\n]+/).find((line) => !/^remote: /.test(line) && isOutOfSpace(line));
  if (said === undefined) return null;
  const words = said.replace(/^(fatal|error): /, '').trim();
  return new KvError('STORAGE_FULL', `${what}: no room in this clone: ${withoutSecrets(words)}`, {
    hint: 'free some disk space and try again',
  });
}

/** The Stargate's disk has no room left, in its git's words: `STORAGE_FULL`; null when that is not what happened. */
export function noRoomThere(url: string, stdout: string, stderr: string): KvError | null {
  const theirs = stderr
    .split(/[\r\n]+/)
    .filter((line) => /^(remote: |error: remote unpack failed)/.test(line.replace(RESET, '')));
  const said = [...theirs, ...stdout.split('\n').filter((line) => line.startsWith('!'))].some((line) => isOutOfSpace(line));
  if (!said) return null;
  return new KvError('STORAGE_FULL', `the Stargate at ${shownUrl(url)} has no room left on its disk`, {
    hint: 'nothing was written; ask whoever runs it to free some, and try again',
  });
}

/** The other side has lost or damaged objects: `GIT_ERROR` with what it said; null when that is not what happened. */
export function damagedThere(what: string, stderr: string): KvError | null {
  if (!/possible repository corruption on the remote side/.test(stderr)) return null;
  const said =
    /^remote: (?:fatal|error): (.*\S)\s*$/m.exec(withoutSecrets(stderr).replace(RESET, ''))?.[1] ?? 'an object is missing';
  return new KvError('GIT_ERROR', `${what}: the repository there is damaged: ${said}`, {
    hint: 'read from the other side, and have git fsck run on this one',
    advice: { id: 'read-either-side' },
  });
}
