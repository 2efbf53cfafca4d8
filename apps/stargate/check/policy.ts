import { publishedText } from '../../../domain/gateway/commit/policy-ref.js';
import { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Policy, PolicyKey, PolicyReader } from '../../../ports/stargate/policy-reader.js';
import { portOfSshUrl } from '../endpoints.js';
import { readPolicyText } from '../repository/policy-file.js';
import { type Check, type Finding, ok, type Subject, warning } from './check.js';

/** The policy file can be read, and says what it should. */
export const POLICY: Check = {
  name: 'policy',
  needs: ['profile', 'repository'],
  async run(subject) {
    const { composition, policyPath } = subject;
    const opened = await composition();
    const text = await readPolicyText(policyPath).catch((cause: NodeJS.ErrnoException) => {
      throw new KvError('CONFIG_INVALID', `cannot read the policy ${policyPath}: ${cause.code ?? 'unknown'}`, {
        cause,
        hint: 'name it with --policy-path',
      });
    });
    const policy = (await opened.get<PolicyReader>('policy-reader')).parse(text, policyPath);
    const published = await publishedText(await opened.get<GitStore>('git-store'));
    const change =
      published !== null && published !== text
        ? [warning('it differs from the one in force: the next start, or SIGHUP, takes it')]
        : [];
    return [ok(policyPath), ...change, ...lacking(policy), ...keysOf(policy), ...address(policy, subject)];
  },
};

function lacking({ admins, namespaces }: Policy): Finding[] {
  const empty = [...namespaces].filter(([, { writers }]) => writers.length === 0).map(([ns]) => ns);
  return [
    ...(admins.length === 0
      ? [warning('it names no admins: nobody can run the verbs of admins', 'list one under stargate.admins')]
      : []),
    ...(namespaces.size === 0 ? [warning('it names no namespace: nobody can write')] : []),
    ...empty.map((ns) => warning(`namespace ${ns} has no writers: nobody can write to it`)),
  ];
}

/** Keys that can sign and not log in. */
function keysOf({ admins, readers, namespaces }: Policy): Finding[] {
  const listed = [...admins, ...readers, ...[...namespaces.values()].flatMap(({ writers }) => writers)];
  const securityKeys = new Set(listed.filter(isSecurityKey).map(({ name }) => name));
  return [...securityKeys].map((name) => warning(`'${name}' is a security key: it can sign, and nobody can log in with it`));
}

const isSecurityKey = ({ kind, material }: PolicyKey): boolean => kind === 'ssh' && material.startsWith('sk-');

function address({ pushUrl }: Policy, { listenSsh }: Subject): Finding[] {
  if (pushUrl === null) return [warning('it has no push_url, from which git kv remote setup learns where to push')];
  const port = portOfSshUrl(pushUrl);
  if (listenSsh === undefined || port === undefined || listenSsh.port === 0 || port === listenSsh.port) return [];
  return [warning(`push_url leads to port ${port}, and --listen-ssh is port ${listenSsh.port}`, 'fine behind a forwarded port')];
}
