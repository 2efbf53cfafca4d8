import { CONNECTIONS_PER_KEY } from '../../../ports/stargate/policy-reader.js';

interface PolicyTemplate {
  readonly pushUrl: string | null;
  /** authorized_keys lines. */
  readonly admins: readonly string[];
  readonly writers: readonly string[];
  readonly readers: readonly string[];
  readonly namespaces: readonly string[];
}

/** The policy file that init writes. */
export function renderPolicy({ pushUrl, admins, writers, readers, namespaces }: PolicyTemplate): string {
  const url =
    pushUrl === null
      ? '  # Where developers push. git kv remote setup needs it: put the address of this Stargate here.\n' +
        '  # push_url: ssh://git@stargate.example.org/repo.git\n'
      : `  # Where developers push; git kv remote setup configures it in their clones.\n  push_url: ${quote(pushUrl)}\n`;
  return `# What this Stargate enforces. A changed file takes effect at once (or on SIGHUP); a wrong one leaves the old in force
# and says so in the log. It is published as refs/kv-policy/current.
version: 1

stargate:
${url}  # Whether a write waits until the mirror shows it, unless its writer says otherwise.
  require_mirror_ack_by_default: false
  # Takes only transactions that are signed for this repository, so that none can be carried here from another Stargate. Older
  # clients don't name it: false takes theirs too.
  require_repository_id: true
  # The Git objects that one push may bring; a key takes about three. An import above that is split by itself.
  max_push_objects: 1000000
  # How many connections a key may have at a time; at the limit, git kv waits and tries again.
  # max_connections_per_key: ${CONNECTIONS_PER_KEY}
  # Any other bound on what clients may send and hold; docs/LIMITS.md has the table.
  # limits: { push_bytes: 2GiB, sessions: 96 }
  # Keys that may run every stargate verb. One public key a line, as in ~/.ssh/id_ed25519.pub.
  admins:
${keys(admins, 4)}  # Who may fetch from the Stargate itself; admins and writers always may.
${readers.length === 0 ? '  readers: []\n' : `  readers:\n${keys(readers, 4)}`}
namespaces:
${namespaces.map((ns) => renderNamespace(ns, writers)).join('\n')}`;
}

function renderNamespace(ns: string, writers: readonly string[]): string {
  return `  ${quote(ns)}:
    ledger_mode: linear
    require_signed_commits: true
    # Larger values are stored in chunks; nothing larger than max_value_total is taken.
    max_value_inline: 1MiB
    max_value_total: 100MiB
    chunking: { mode: fastcdc, min: 64KiB, avg: 256KiB, max: 1MiB }
    # A key must start with one of these, such as "cfg:" or "user:". An empty list allows every key.
    allowed_prefixes: []
    # Who may sign transactions, and push.
    writers:
${keys(writers, 6)}    forbidden: [{ lfs: true }]
    # ttl_default: what a key gets that is set without a --ttl, such as 365d. keep_epochs: how many past epochs stay when an
    # admin runs git kv compact, such as 4; without it, all do.
    retention: { enforce_readside: true }
`;
}

function keys(lines: readonly string[], indent: number): string {
  return lines.map((line) => `${' '.repeat(indent)}- ${quote(line)}\n`).join('');
}

/** JSON's strings are YAML's. */
function quote(text: string): string {
  return JSON.stringify(text);
}
