import type { HeldVerb } from '../../../ports/clone/admin-client.js';
import { KvError } from '../../../ports/error.js';
import { withoutSecrets } from '../../../ports/grammar/network/shown-url.js';
import type { GitPlace } from '../process/run-git.js';
import { saidSoFar } from '../process/said.js';
import { kvErrorIn, unreachable } from './failure/remote-error.js';
import { type AdminCall, startCall } from './started-call.js';

/** Reads an answer. Throws `IO_ERROR` for what is no JSON. */
export function readAnswer({ what }: Pick<AdminCall, 'what'>, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new KvError('IO_ERROR', `${what}: the answer is not JSON`, {
      hint: 'check that the pushurl leads to a Stargate',
      cause,
    });
  }
}

/** Why a verb has failed, in the Stargate's words or in ssh's. */
export function failedCall({ what, url }: Pick<AdminCall, 'what' | 'url'>, code: number | null, stderr: string): KvError {
  return (
    kvErrorIn(stderr) ??
    unreachable({ what, url, direction: 'write' }, stderr) ??
    new KvError('IO_ERROR', `${what}: ${withoutSecrets(stderr).trim().split('\n').at(-1) || `ssh ended with ${code}`}`, {
      hint: 'check the pushurl (`git remote -v`), that the Stargate is up, and that it knows your SSH key',
    })
  );
}

/**
 * Runs a verb that answers before it is over. The client's standard input stays open until `release`: when this process dies, the
 * Stargate sees its end. The signal counts until the answer.
 */
export function holdVerb(place: GitPlace, call: AdminCall, signal: AbortSignal | undefined): Promise<HeldVerb> {
  return new Promise((resolve, reject) => {
    let failure: ((code: number | null) => void) | null = (code) => reject(failedCall(call, code, said()));
    const failed = (error: KvError): void => {
      failure = null;
      reject(error);
    };
    const ended = (error: KvError, over: Promise<void>): void => {
      if (failure === null) return; // it has answered
      unwatch();
      failure = () => void over.then(() => reject(error));
      for (const stream of child.stdio) stream?.destroy();
    };
    const { child, said, unwatch } = startCall(place, call, signal, { failed, ended });
    const { stdin, stdout, stderr } = child;
    let answered = '';
    const release = (): void => {
      failure = null;
      unwatch();
      stdin.end();
      for (const stream of [stdout, stderr]) stream.destroy();
      child.unref();
    };
    stdout.setEncoding('utf8').on('data', (text: string) => {
      answered = saidSoFar(answered, text).trimStart(); // empty lines are signs of life
      if (failure === null || !answered.includes('\n')) return;
      failure = null;
      unwatch();
      try {
        resolve({ answer: readAnswer(call, answered.slice(0, answered.indexOf('\n'))), release });
      } catch (error) {
        release();
        reject(error as KvError);
      }
    });
    child.on('close', (code) => {
      unwatch();
      failure?.(code);
      failure = null;
    });
  });
}
