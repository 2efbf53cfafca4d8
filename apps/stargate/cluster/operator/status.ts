import type { ClusterStatus } from '../../../../domain/admin/cluster-status.js';
import { KvError } from '../../../../ports/error.js';
import type { Operator } from './operator.js';

/** A repository's cluster. Throws what the servers do. */
export async function statusOf(operator: Pick<Operator, 'ask'>, repository: string): Promise<ClusterStatus> {
  const answer = await operator.ask(repository, { verb: 'status' });
  if ('status' in answer) return answer.status;
  throw new KvError('UNEXPECTED', 'a server answered with no status');
}

/** A status as it is printed. */
export function shownStatus(status: ClusterStatus, json: boolean): string {
  return json ? `${JSON.stringify({ ok: true, cluster: status })}\n` : statusText(status);
}

function statusText({ peers, members, ...status }: ClusterStatus): string {
  const facts = Object.entries({ ...status, members: members.join(', ') });
  const width = Math.max(...facts.map(([name]) => name.length)) + 2;
  const lines = facts.map(([name, value]) => `${`${name}:`.padEnd(width)}${value ?? '-'}`);
  const others = peers.map(({ server, at, unreachable, diverged }) =>
    [`  ${server}`, at === null ? '-' : `at ${at}`, diverged ?? unreachable ?? 'reachable'].join('  '),
  );
  return `${[...lines, 'peers:', ...others].join('\n')}\n`;
}
