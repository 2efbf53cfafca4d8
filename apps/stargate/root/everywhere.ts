import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { KvError } from '../../../ports/error.js';
import type { ObjectFormat } from '../../../ports/vocabulary.js';
import type { RootAnswer } from '../cluster/root-requests.js';
import { type Operator, openOperator } from '../cluster/operator/operator.js';
import { say } from '../process/terminal.js';
import { settle } from '../settings/settle.js';

/** What of a repository's verbs goes through the servers of a root. */
export type Through = (operator: Operator) => Promise<void>;

/** Does something through the servers that a profile names; false where it names none. Throws what the servers do. */
export async function throughCluster(root: string, profile: string, work: Through): Promise<boolean> {
  const { choice } = await settle(null, { profile });
  const operator = await openOperator(choice, root);
  if (operator === null) return false;
  try {
    await work(operator);
    return true;
  } finally {
    await operator.close();
  }
}

/** Creates a repository on all servers. `policy` null: what the root's template says. */
export async function createEverywhere(
  operator: Operator,
  repository: string,
  objectFormat: ObjectFormat,
  policy: string | null,
): Promise<void> {
  const answer = await operator.askRoot({ verb: 'create', repository, policy, objectFormat });
  say(`created ${repository} on ${counted(answer)}\n`);
}

/** Removes a repository from all servers. */
export async function removeEverywhere(operator: Operator, repository: string): Promise<void> {
  const answer = await operator.askRoot({ verb: 'remove', repository });
  say(`removed ${repository} from ${counted(answer)}\neach has moved it to .stargate/removed: delete it there\n`);
}

/** Whether a Stargate serves a root, as far as a file tells that one which has crashed leaves, too. */
export function isServed(root: string): Promise<boolean> {
  return access(join(root, '.stargate', 'endpoints.json')).then(
    () => true,
    () => false, // absent
  );
}

function counted(answer: RootAnswer): string {
  if (!('confirmed' in answer)) throw new KvError('UNEXPECTED', 'a server answered with no count');
  const servers = answer.confirmed + 1;
  return `${servers} ${servers === 1 ? 'server' : 'servers'}${answer.replicated ? '' : ', the others follow'}`;
}
