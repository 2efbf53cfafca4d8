import { withoutSecrets } from '../../ports/grammar/network/shown-url.js';
import { KvError } from '../../ports/index.js';
import { BROKEN_OFF, CONTENT, INNOCENT, MOVED, NO_REWIND, TOO_FAST } from './hosts-words.js';
import type { GitResult } from './run-git.js';

/** One line of `git push --porcelain` that says no. */
interface Refusal {
  readonly ref: string;
  readonly reason: string;
  /** The host said so; else git saw it here, and sent nothing. */
  readonly byHost: boolean;
}

/** The refs that were refused, without those that only fell with them. */
function refusals(stdout: string): Refusal[] {
  const found: Refusal[] = [];
  for (const line of stdout.split('\n')) {
    const [, ref, by, reason = 'rejected'] = /^!\t[^\t]*:([^:\t]+)\t\[([^\]]*)\](?: \((.*)\))?$/.exec(line) ?? [];
    if (ref !== undefined && !INNOCENT.test(reason)) found.push({ ref, reason, byHost: by === 'remote rejected' });
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
  const rewinds = refused.filter((one) => one.byHost && (one.reason === 'non-fast-forward' || NO_REWIND.test(said)));
  if (rewinds.length > 0) return notRewound(label, rewinds);
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
      details: { refs: judged.map((one) => one.ref), ...(CONTENT.test(`${refs}\n${said}`) ? { content: true } : {}) },
      hint: 'check the rules of the host: it must let the Stargate write these refs',
    });
  }
  if (CONTENT.test(said)) {
    return new KvError('GIT_ERROR', `${label}: ${what} was refused: ${reason}`, {
      details: { content: true },
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

function notRewound(label: string, refused: readonly Refusal[]): KvError {
  const refs = refused.map(({ ref, reason }) => `${ref} (${reason})`).join(', ');
  return new KvError('GIT_ERROR', `${label}: the host takes no push that is not a fast-forward: ${refs}`, {
    details: { refs: refused.map(({ ref }) => ref), rewind: true },
    hint: 'let the Stargate rewind refs/kv* there: a new epoch begins with commits that have no parents',
  });
}

/** Milliseconds the host asks to wait, 0 when it doesn't say how long, null when it asks for nothing. */
function tooFast(said: string): number | null {
  const seconds = /retry-after:\s*(\d{1,6})/i.exec(said)?.[1];
  if (seconds !== undefined) return Number(seconds) * 1000;
  return TOO_FAST.test(said) ? 0 : null;
}

function lastWords(said: string): string {
  const lines = said.split('\n').map((line) => line.trim());
  const telling = lines.filter(
    (line) => /^(fatal|error|remote|ssh|kex_exchange)/.test(line) && !/failed to push some refs/.test(line),
  );
  return (telling.length > 0 ? telling : lines.filter((line) => line !== '')).slice(0, 3).join('; ');
}
