import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { POLICY_PATH } from '../../../domain/ledger/refs.js';
import { KvError } from '../../../ports/error.js';
import { reasonOf } from './files.js';

/** What the policy that `init` writes is to say. */
export interface ScaffoldRequest {
  readonly ns: string;
  readonly prefixes: readonly string[];
  readonly pushUrl: string | null;
  /** An authorized_keys line. */
  readonly writer: string | null;
}

/** Writes the policy scaffold into a work tree; gives false when there is a policy already, which is left as it is. */
export async function writeScaffold(top: string, request: ScaffoldRequest): Promise<boolean> {
  const file = join(top, POLICY_PATH);
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, renderScaffold(request), { flag: 'wx' });
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw new KvError('IO_ERROR', `cannot write ${POLICY_PATH}: ${reasonOf(cause)}`, {
      cause,
      hint: 'check the permissions of the work tree',
    });
  }
}

/** JSON's strings are YAML's. */
const quote = (text: string): string => JSON.stringify(text);

function renderScaffold({ ns, prefixes, pushUrl, writer }: ScaffoldRequest): string {
  const writers = writer === null ? ' []\n' : `\n      - ${quote(writer)}\n`;
  const url =
    pushUrl === null ? '  # push_url: ssh://git@stargate.example.org/org/repo.git\n' : `  push_url: ${quote(pushUrl)}\n`;
  const admins = writer === null ? ' []\n' : `\n    - ${quote(writer)}\n`;
  return `# The policy of this key-value store. Commit it, so that whoever clones this repository finds the Stargate with
# "git kv remote setup". What is enforced is the policy that the Stargate has in force; this is its draft.
version: 1

stargate:
  # Where writes go.
${url}  # Whether a write waits until the mirror shows it, unless its writer says --no-wait.
  require_mirror_ack_by_default: false
  # Who may run every stargate verb: one SSH public key a line, as in ~/.ssh/id_ed25519.pub.
  admins:${admins}
namespaces:
  ${quote(ns)}:
    ledger_mode: linear
    require_signed_commits: true
    # Sizes take KiB, MiB, GiB. Nothing larger than max_value_total is accepted.
    max_value_inline: 1MiB
    max_value_total: 100MiB
    # A key must start with one of these, such as "cfg:" or "user:"; an empty list allows every key.
    allowed_prefixes: [${prefixes.map(quote).join(', ')}]
    # Whose signed transactions are accepted: one SSH public key a line.
    writers:${writers}    # Git LFS pointers are refused as values.
    forbidden: [{ lfs: true }]
    # ttl_default, such as 365d, is what a key gets that is set without --ttl.
    retention: { enforce_readside: true }
`;
}
