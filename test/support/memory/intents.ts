import { Readable, Writable } from 'node:stream';
import type { ArrivedStream } from '../../../adapters/remote-memory/open.js';
import type { ExecSession } from '../../../apps/stargate/exec-session.js';
import type { PushedIntents } from '../../../apps/stargate/push/pushed-intents.js';
import type { Principal } from '../../../domain/access/principal.js';
import type { Quarantine } from '../../../ports/git/git-store.js';

/** A stream of this process as an exec request over SSH would have it. */
export function arrivedSession(stream: ArrivedStream, pusher: Principal): ExecSession {
  const output = new Writable({
    write: (bytes: Buffer, _encoding, done) => {
      void stream.send(bytes).then(() => done(), done);
    },
  });
  return {
    ...{ pusher, fingerprint: 'SHA256:memory', request: 'memory', remote: 'memory', gitProtocol: undefined, output },
    input: Readable.from(stream.received),
    complain: () => undefined,
    gone: new AbortController().signal,
    pusherNow: () => pusher,
  };
}

/** Takes the objects of pushed intents over and orders them; gives the lines in which one is refused. */
export async function orderPushed(
  pushed: PushedIntents,
  quarantine: Quarantine,
  say: ((line: string) => void) | undefined,
): Promise<readonly string[]> {
  await quarantine.accept();
  const outcomes = [...(await pushed.order()).values()];
  for (const { line } of outcomes) say?.(line);
  return outcomes.flatMap(({ error, line }) => (error === null ? [] : [line]));
}
