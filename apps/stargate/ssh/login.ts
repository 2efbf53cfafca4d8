import type { AuthContext, Connection } from 'ssh2';
import type { Limits } from '../../../ports/stargate/limits.js';
import type { Log } from '../log/log.js';
import { acceptAuth, fingerprintOf, type Identify, judgeAuth, type ProvenKey } from './auth.js';
import { tellSignatureAlgorithms } from './protocol/signature-algorithms.js';

interface LoginOptions {
  readonly remote: string;
  readonly identify: Identify;
  readonly limits: () => Pick<Limits, 'loginAttempts'>;
  readonly log: Log;
}

/** Lets a connection log in; gives the key that it has proved to hold, undefined before. */
export function login(client: Connection, { remote, identify, limits, log }: LoginOptions): () => ProvenKey | undefined {
  let attempts = 0;
  let key: ProvenKey | undefined;
  tellSignatureAlgorithms(client);
  client.on('authentication', (context) => {
    const verdict =
      ++attempts > limits().loginAttempts
        ? ({ kind: 'refused', reason: 'too many attempts' } as const)
        : judgeAuth(context, identify);
    if (verdict.kind === 'proven') key = verdict.key;
    if (verdict.kind !== 'refused') return acceptAuth(context);
    if (context.method !== 'none') log.info('ssh.auth.refused', { remote, reason: verdict.reason, ...offered(context) });
    context.reject(['publickey']);
    if (attempts > limits().loginAttempts) client.end();
  });
  return () => key;
}

/** The key of a login, for people: who was refused tells its admin this. */
function offered(context: AuthContext): { readonly user: string; readonly key_type?: string; readonly fingerprint?: string } {
  const user = context.username.slice(0, 64);
  if (context.method !== 'publickey') return { user };
  return { user, key_type: context.key.algo.slice(0, 64), fingerprint: fingerprintOf(context.key.data) };
}
