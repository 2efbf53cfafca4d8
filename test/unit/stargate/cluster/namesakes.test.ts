import { expect } from 'chai';
import { openMemoryPeers, PeerPlace } from '../../../../adapters/peer-memory/open.js';
import { PeerDispatch } from '../../../../apps/stargate/cluster/peers/dispatch.js';
import { Namesakes } from '../../../../apps/stargate/cluster/peers/namesakes.js';
import { refusal } from '../../../support/failure.js';
import { SILENT } from '../../../support/silent-log.js';
import { until } from '../../../support/until.js';

const BEAT_MS = 100;

interface Process {
  readonly names: Namesakes;
  readonly errors: unknown[];
  stop(): Promise<void>;
}

describe('servers of one name', () => {
  let place: PeerPlace;
  let running: Process[];
  /** A process; `reached`: it is the one that the name's address leads to. */
  const start = async (self: string, reached = true): Promise<Process> => {
    const transport = openMemoryPeers({ place, self, timeoutMs: 300 });
    const dispatch = new PeerDispatch(transport);
    const errors: unknown[] = [];
    const log = { ...SILENT, error: (_event: string, fields?: object) => void errors.push(fields) };
    const names = new Namesakes(dispatch, log, { beatMs: BEAT_MS });
    if (reached) await dispatch.start();
    const process: Process = {
      ...{ names, errors },
      async stop() {
        names.close();
        await transport.close();
      },
    };
    running.push(process);
    return process;
  };
  beforeEach(async () => {
    place = new PeerPlace();
    running = [];
    await start('two');
  });
  afterEach(() => Promise.all(running.map((process) => process.stop())));

  it('are found where the later one starts, which takes no part then: the address of the name leads to another', async () => {
    const first = await start('one');
    await first.names.meet();
    const second = await start('one', false);
    const { code, message } = await refusal(second.names.meet());
    expect([code, message]).to.deep.equal([
      'CONFIG_INVALID',
      'two servers are called one: server two finds another one at the address of one',
    ]);
  });

  it('are found where the others hear both, though the address leads nowhere', async () => {
    place.weather = (_from, to) => (to === 'one' ? 'lost' : 0);
    const first = await start('one');
    await first.names.meet();
    const second = await start('one', false);
    const { code, message } = await refusal(second.names.meet());
    expect([code, message]).to.deep.equal(['CONFIG_INVALID', 'two servers are called one: server two hears of another one']);
  });

  it('are none where one was started again, whose end nobody has seen', async () => {
    place.weather = (_from, to) => (to === 'one' ? 'lost' : 0);
    const before = await start('one');
    await before.names.meet();
    await before.stop();
    await (await start('one')).names.meet();
    place.weather = () => 0;
    await (await start('one')).names.meet(); // whom the address leads to
  });

  it('are named by the log where both run already, by whichever the address does not lead to', async () => {
    place.weather = () => 'lost'; // they start while nobody can be reached
    const [first, second] = [await start('one', false), await start('one')];
    await Promise.all([first.names.meet(), second.names.meet()]);
    place.weather = () => 0;
    await until('it is said', () => first.errors.length > 0);
    expect(first.errors).to.deep.equal([
      { server: 'one', message: 'two servers are called one: server two finds another one at the address of one' },
    ]);
    expect(second.errors).to.deep.equal([]);
  });

  it('is a matter of servers that know it: one that does not is passed over', async () => {
    const old = openMemoryPeers({ place, self: 'three' });
    await new PeerDispatch(old).start();
    await (await start('one')).names.meet();
    await old.close();
  });
});
