import { resolve } from 'node:path';
import { waitingWords } from '../../../domain/client/remote/patience.js';
import type { MirrorRefusal } from '../../../domain/ledger/mirror-refusals.js';
import type { CloneConfig, Signer, TransferProgress } from '../../../ports/index.js';
import { checkNamespace, openSession as openClone, type Session } from '../../sdk/session/session.js';
import { note, warn } from '../io/terminal.js';

export type { Session } from '../../sdk/session/session.js';

interface SessionRequest {
  readonly ns?: string | undefined;
  /** As `--reality` names it. */
  readonly reality?: string | undefined;
  /** Hears how far what is fetched and pushed has come; undefined when nobody looks. */
  readonly onProgress: TransferProgress | undefined;
  /** Nothing is to be fetched: not by git either, in a partial clone. The remotes are opened only when they are used all the same. */
  readonly offline?: boolean;
}

/** Where git looks for the repository: `git --git-dir=… kv` says it in the environment. */
function startFolder(): string {
  return resolve(process.env['GIT_DIR'] ?? '.');
}

/** Opens the clone around the current folder, and says on the terminal what is to be known. Throws `GIT_ERROR` when there is none. */
export async function openSession({ ns, reality, onProgress, offline = false }: SessionRequest): Promise<Session> {
  checkNamespace(ns, '--ns');
  return openClone({
    ...{ ns, reality, onProgress, offline },
    directory: startFolder(),
    env: process.env,
    profile: process.env['GIT_KV_PROFILE'] || undefined,
    onWait: (busy) => note(waitingWords(busy)),
    onMirrorRefusal: warnOfRefusal,
    onWarning: warn,
    aroundSigner: saysWhichKey,
  });
}

/** Says that the mirror may be old. */
function warnOfRefusal(ns: string, { since, code }: MirrorRefusal): void {
  const what = `the mirror has refused namespace ${ns} since ${since} (${code})`;
  warn(`${what}: what it shows may be old; --read-from=stargate reads what is so now`);
}

/** On a terminal, says which key a passphrase may be asked for. */
function saysWhichKey(signer: Signer, config: CloneConfig): Signer {
  if (process.stderr.isTTY !== true) return signer;
  return {
    ...(signer.publicKey === undefined ? {} : { publicKey: signer.publicKey.bind(signer) }),
    async sign(payload, options) {
      const { keyWithPassphrase } = await import('../io/signing-key.js');
      const file = await keyWithPassphrase(config);
      if (file !== null) note(`signing with ${file}, which has a passphrase`);
      return signer.sign(payload, options);
    },
  };
}
