import { withoutSecrets } from '../../ports/grammar/shown-url.js';
import { KvError } from '../../ports/index.js';
import type { GitResult } from './run-git.js';

/** One line of `git push --porcelain` that says no. */
interface Refusal {
  readonly ref: string;
  readonly reason: string;
}

// "atomic push failed" is what git says of the refs that were fine.
const INNOCENT = /^(atomic push failed|atomic push failure|atomic transaction failed|transaction aborted)/;

/** Refs that are not where they should be: git saw it here, or the host when it took the lock. */
const MOVED = new RegExp(
  [
    'non-fast-forward|stale info|fetch first|already exists|needs force|remote ref updated',
    'failed to (update|lock|delete) ref|cannot lock ref|incorrect old value|fail(ed|ure).*lock',
  ].join('|'),
);

/** No verdict on the ref: the connection or the host broke down. */
const BROKEN_OFF = /remote failed to report status|unpacker error|unpack failed|remote failure/;

/** What the host has read and does not take, such as a pack above its limit: another push may fit. */
const CONTENT = /pack exceeds maximum allowed size|unpack failed: (?:index-pack|unpack-objects) abnormal exit/;

/** The refs that were refused, without those that only fell with them. */
function refusals(stdout: string): Refusal[] {
  const found: Refusal[] = [];
  for (const line of stdout.split('\n')) {
    const match = /^!\t[^\t]*:([^:\t]+)\t\[[^\]]*\](?: \((.*)\))?$/.exec(line);
    if (match?.[1] !== undefined && !INNOCENT.test(match[2] ?? '')) found.push({ ref: match[1], reason: match[2] ?? 'rejected' });
  }
  return found;
}

/** Turns git's failure into the port's errors. */
export function failure(what: string, label: string, result: GitResult): KvError {
  const said = withoutSecrets(result.stderr);
  const patience = tooFast(said);
  if (patience !== null) {
    const details = patience === 0 ? {} : { retryAfterMs: patience };
    return new KvError('IO_ERROR', `${label}: the host asks for patience`, {
      details,
      hint: 'the mirror worker tries again by itself',
    });
  }
  if (/does not support --atomic/.test(said)) {
    return new KvError('NOT_SUPPORTED', `${label}: the host takes no atomic push`, {
      hint: "set 'atomic: false' in the configuration of mirror-git",
    });
  }
  const refused = refusals(result.stdout);
  const moved = refused.filter((one) => MOVED.test(one.reason));
  if (moved.length > 0) {
    const refs = moved.map((one) => one.ref);
    return new KvError('SYNC_REFUSED', `${label}: ${moved.map((one) => `${one.ref} (${one.reason})`).join(', ')}`, {
      details: { refs },
      hint: "somebody else wrote to the mirror: compare git ls-remote of both sides, put the mirror's refs back, and protect them",
    });
  }
  const reason = lastWords(said);
  const judged = refused.filter((one) => !BROKEN_OFF.test(one.reason));
  if (judged.length > 0) {
    const refs = judged.map((one) => `${one.ref} (${one.reason})`).join(', ');
    return new KvError('GIT_ERROR', `${label}: ${what} was refused: ${refs}${reason === '' ? '' : `: ${reason}`}`, {
      details: { refs: judged.map((one) => one.ref) },
      hint: 'check the rules of the host: it must let the Stargate write these refs',
    });
  }
  if (CONTENT.test(said)) {
    return new KvError('GIT_ERROR', `${label}: ${what} was refused: ${reason}`, {
      hint: 'check the limits and the rules of the host: it must take what the Stargate has accepted',
    });
  }
  if (/couldn't find remote ref/.test(said)) return new KvError('NOT_FOUND', `${label}: ${reason}`);
  if (/src refspec .* does not match any|bad object|unable to read|not a git repository: /.test(said)) {
    return new KvError('GIT_ERROR', `${label}: ${what} failed: ${reason}`, {
      hint: "run 'git fsck' in the Stargate's repository",
    });
  }
  return new KvError('IO_ERROR', `${label}: ${what} failed: ${reason || `git ended with ${result.status}`}`, {
    hint: 'check the network, the URL and the key of the mirror remote',
  });
}

/** Milliseconds the host asks to wait, 0 when it doesn't say how long, null when it asks for nothing. */
function tooFast(said: string): number | null {
  const seconds = /retry-after:\s*(\d{1,6})/i.exec(said)?.[1];
  if (seconds !== undefined) return Number(seconds) * 1000;
  return /\b(error:?|HTTP|status|code)\s*429\b|rate limit|too many requests/i.test(said) ? 0 : null;
}

function lastWords(said: string): string {
  const lines = said.split('\n').map((line) => line.trim());
  const telling = lines.filter(
    (line) => /^(fatal|error|remote|ssh|kex_exchange)/.test(line) && !/failed to push some refs/.test(line),
  );
  return (telling.length > 0 ? telling : lines.filter((line) => line !== '')).slice(0, 3).join('; ');
}
