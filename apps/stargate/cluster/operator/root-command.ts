import type { RootRepository, RootStatus } from '../../../../domain/admin/root-status.js';
import { KvError } from '../../../../ports/error.js';
import { say } from '../../process/terminal.js';
import { change } from './change.js';
import type { Operator } from './operator.js';
import { shownStatus, statusOf } from './status.js';

interface RootCommand {
  readonly verb: string;
  readonly server: string | null;
  readonly address: string | null;
  /** `owner/name`; undefined: all. */
  readonly repository: string | undefined;
  readonly json: boolean;
}

/** What `git-kv-stargate cluster` does about the repositories of a root; gives the exit code. */
export async function runOnRoot(operator: Operator, { verb, server, address, repository, json }: RootCommand): Promise<number> {
  const status = await rootStatus(operator);
  const meant = repository === undefined ? status.repositories : [found(status, repository)];
  if (verb === 'status') {
    const [one] = repository === undefined ? [] : meant;
    if (one !== undefined) say(shownStatus(await statusOf(operator, one.history), json));
    else say(json ? `${JSON.stringify({ ok: true, root: status })}\n` : rootText(status));
    return 0;
  }
  const name = server ?? ''; // every other verb has one
  if (verb === 'transfer-leadership') {
    if (repository !== undefined)
      throw new KvError('USAGE', 'all repositories of a root are led by one server', { hint: 'leave --repo-id out' });
    await operator.askRoot({ verb: 'transfer', server: name });
    say(json ? `${JSON.stringify({ ok: true })}\n` : `${name} is to lead\n`);
    return 0;
  }
  if (verb === 'add' && address !== null)
    for (const other of status.servers) await operator.askRoot({ verb: 'meet', server: name, address }, other.server);
  for (const { history } of meant) await change(operator, history, verb, name, address);
  const of = `${meant.length} ${meant.length === 1 ? 'repository' : 'repositories'}`;
  say(
    json
      ? `${JSON.stringify({ ok: true, repositories: meant.length })}\n`
      : `${name} is ${verb === 'add' ? 'a' : 'no'} member of ${of}\n`,
  );
  return 0;
}

async function rootStatus(operator: Operator): Promise<RootStatus> {
  const answer = await operator.askRoot({ verb: 'status' });
  if ('root' in answer) return answer.root;
  throw new KvError('UNEXPECTED', 'a server answered with no status');
}

function found({ repositories, server }: RootStatus, name: string): RootRepository {
  const one = repositories.find((repository) => repository.name === name.replace(/\.git$/, ''));
  if (one !== undefined) return one;
  throw new KvError('NOT_FOUND', `server ${server} has no repository '${name.slice(0, 200)}' of the cluster`, {
    hint: 'see git-kv-stargate cluster status --root DIR',
  });
}

function rootText({ servers, repositories, ...status }: RootStatus): string {
  const { server, leads, term, leader, takeover } = status;
  const open = repositories.filter((one) => one.open).length;
  return `${[
    `server:       ${server}`,
    `role:         ${leads ? 'leader' : 'standby'}`,
    `term:         ${term ?? '-'}`,
    `leader:       ${leader ?? '-'}`,
    `takeover:     ${takeover}`,
    'servers:',
    ...servers.map((one) => `  ${one.server}  ${one.unreachable ?? 'reachable'}`),
    `repositories: ${repositories.length}, ${open} open`,
    ...repositories.map(({ name, role, at, decided, diverged }) =>
      [
        `  ${name}`,
        role ?? 'closed',
        at === null ? '-' : `at ${at}${decided === at || decided === null ? '' : ` of ${decided}`}`,
        diverged ?? '',
      ]
        .join('  ')
        .trimEnd(),
    ),
  ].join('\n')}\n`;
}
