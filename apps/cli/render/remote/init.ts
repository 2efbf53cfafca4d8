import type { Begun } from '../../../../domain/client/epochs/begin-namespace.js';
import { POLICY_PATH } from '../../../../domain/ledger/refs.js';

/** What `init` found, and what it did. */
export interface InitOutcome {
  readonly begun: Begun;
  /** `published`: none was written, since the Stargate's own is known here. */
  readonly scaffold: 'written' | 'kept' | 'published' | 'bare';
  /** A key to try, as a shell takes it. */
  readonly key: string;
  readonly writer: string | null;
  readonly signingKey: boolean;
  /** The remote leads to a Stargate. */
  readonly isSetUp: boolean;
}

/** What `init` did and what is left to do, for people. */
export function initText({ begun, key, scaffold, writer, signingKey, isSetUp }: InitOutcome): string {
  const { ns, epoch, ledger, created, signed } = begun;
  const policy = {
    written: `wrote ${POLICY_PATH}${writer === null ? '' : ', with your signing key as writer'}`,
    kept: `left ${POLICY_PATH} as it is`,
    published: 'wrote no policy: the mirror publishes one already',
    bare: 'wrote no policy: this repository has no work tree',
  }[scaffold];
  const state = created
    ? `began namespace ${ns}@${epoch} at ${ledger.slice(0, 10)}${signed ? '' : ', unsigned'}`
    : `namespace ${ns}@${epoch} is here already`;
  const steps = [
    ...(signingKey
      ? []
      : ['configure a signing key: git config gpg.format ssh && git config user.signingKey ~/.ssh/id_ed25519.pub']),
    ...(scaffold === 'bare' || scaffold === 'published'
      ? []
      : [`look ${POLICY_PATH} over (push_url, writers, allowed_prefixes), and commit it`]),
    ...(isSetUp ? [] : ['connect with the Stargate: git kv remote setup']),
    `try it: git kv${ns === 'main' ? '' : ` --ns ${ns}`} set ${key} world`,
  ];
  return `${policy}\n${state}\nnext:\n${steps.map((step) => `  - ${step}\n`).join('')}`;
}
