import { KvError } from '../../../../ports/error.js';
import type { ControlAnswer, ControlRequest } from '../control.js';
import type { Operator } from './operator.js';

/** How long a server that is added may take to come level, ms. */
const PATIENCE_MS = 120_000;
const LOOK_MS = 300;

/** Has a repository's leader add or remove a member, or hand over to one, and waits until that is done. Throws what the servers do, `BUSY`. */
export async function change(
  operator: Operator,
  repository: string,
  verb: string,
  server: string,
  address: string | null,
): Promise<void> {
  const ask = (request: ControlRequest): Promise<ControlAnswer> => operator.ask(repository, request);
  const until = performance.now() + PATIENCE_MS;
  let answer = await ask(
    verb === 'add' ? { verb: 'add', server, address } : { verb: verb === 'remove' ? 'remove' : 'transfer', server },
  );
  while ('pending' in answer && answer.pending !== null) {
    if (performance.now() > until)
      throw new KvError('BUSY', 'the change is still under way', { hint: 'see git-kv-stargate cluster status' });
    await new Promise((done) => setTimeout(done, LOOK_MS));
    answer = await ask({ verb: 'outcome', id: answer.pending });
  }
}
