import { newPrivateKey, ownKey } from '../../apps/ssh-signature.js';
import { KvError } from '../../ports/error.js';
import { twoLedgers } from '../../test/chaos/memory-run.js';
import { IntentClient } from '../../test/support/programs/intent-stream.js';
import { IntentMaker } from '../../test/support/formats/intents.js';
import { World } from '../../test/support/worlds/world.js';
import { must } from './must.js';

/** Streams that a ledger is filled over, each with one intent on its way. */
const STREAMS = 16;
/** Keys that are written again and again. */
const KEYS = 1000;

/**
 * A World of two ledgers with so many commits, of one key each. Both are filled over streams, as sequenced ones; then the policy says that
 * `main` is linear. Whoever asks for it closes it.
 */
export async function manyCommits(commits: number): Promise<World> {
  const key = ownKey(newPrivateKey());
  const world = await World.create({
    policy: (text) =>
      twoLedgers(text)
        .replace('ledger_mode: linear', 'ledger_mode: sequenced')
        .replaceAll(/(\n +writers:\n)/g, `$1      - "${key.material} signer"\n`),
  });
  try {
    const first = IntentClient.open(world, 'ada');
    const { repository } = await first.greeting();
    first.end();
    const maker = new IntentMaker({ signer: () => key }, repository, world.hash);
    for (const ns of ['main', 'seq']) await fill(world, maker, ns, commits);
    await world.editPolicy((text) => text.replace('ledger_mode: sequenced', 'ledger_mode: linear'));
    for (const clone of ['reader', 'other']) await world.clone('ada', clone);
    await must(world, 'other', ['set', 'user:1', 'first', '--ns', 'seq']);
    return world;
  } catch (error) {
    await world.close();
    throw error;
  }
}

async function fill(world: World, maker: IntentMaker, ns: string, commits: number): Promise<void> {
  let next = 0;
  const one = async (): Promise<void> => {
    const client = IntentClient.open(world, 'ada');
    await client.greeting();
    for (let i = next++; i < commits; i = next++) {
      client.send((await maker.make('ada', { ns, set: { [`user:${i % KEYS}`]: `value ${i}` } })).objects);
      const { outcome } = await client.answer();
      if (KvError.is(outcome)) throw outcome;
    }
    client.end();
    await client.ended;
  };
  await Promise.all(Array.from({ length: STREAMS }, one));
}
