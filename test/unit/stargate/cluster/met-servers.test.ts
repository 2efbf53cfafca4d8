import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { openHttpPeers } from '../../../../adapters/peer-http/http-peers.js';
import { MetServers, metServersFile } from '../../../../apps/stargate/cluster/peers/met-servers.js';
import type { Log } from '../../../../apps/stargate/log/log.js';
import type { PeerTransport } from '../../../../ports/stargate/peer-transport.js';
import { refusal } from '../../../support/failure.js';
import { type Temporary, temporaryFolder } from '../../../support/temporary.js';

describe('the addresses that a cluster was told of', () => {
  let temporary: Temporary;
  let folder: string;
  let file: string;
  let said: string[];
  const log: Log = { info: () => undefined, warn: (event) => void said.push(event), error: () => undefined };
  beforeEach(async () => {
    temporary = await temporaryFolder();
    folder = temporary.path;
    file = metServersFile(folder);
    said = [];
    await writeFile(join(folder, 'key'), `k1 ${Buffer.alloc(32, 7).toString('base64')}\n`, { mode: 0o600 });
  });
  afterEach(() => temporary.remove());
  const transport = (more: Readonly<Record<string, string>> = {}): Promise<PeerTransport> =>
    openHttpPeers({
      ...{ self: 'one', cluster: 'test', keyFile: join(folder, 'key') },
      servers: { one: 'http://127.0.0.1:7001', two: 'http://127.0.0.1:7002', ...more },
    });

  it('are known after a start, unless the profile names the server by then', async () => {
    const first = await MetServers.open(file, await transport(), log);
    expect(existsSync(file)).to.equal(false);
    await first.meet('four', 'http://127.0.0.1:7004');
    await first.meet('five', 'http://127.0.0.1:7005');
    const started = await transport();
    await MetServers.open(file, started, log);
    expect(started.servers).to.deep.equal(['five', 'four', 'one', 'two']);
    const named = await transport({ four: 'http://127.0.0.1:7014', six: 'http://127.0.0.1:7004' });
    await MetServers.open(file, named, log);
    expect(named.servers).to.deep.equal(['five', 'four', 'one', 'six', 'two']);
    expect(said).to.deep.equal([]);
  });

  it('are none that may not be used; and what can’t be read keeps nobody from starting', async () => {
    const met = await MetServers.open(file, await transport(), log);
    expect((await refusal(met.meet('four', 'http://192.0.2.1:7004'))).code).to.equal('PEER_REFUSED');
    expect(existsSync(file)).to.equal(false);
    await met.meet('four', 'http://127.0.0.1:7004');
    const taken = await transport({ six: 'http://127.0.0.1:7004' });
    await MetServers.open(file, taken, log);
    expect(taken.servers).to.deep.equal(['one', 'six', 'two']);
    for (const text of ['', 'null', '{"v":2,"servers":{}}']) {
      await writeFile(file, text);
      const started = await transport();
      await MetServers.open(file, started, log);
      expect(started.servers).to.deep.equal(['one', 'two']);
    }
    expect(said).to.deep.equal(['cluster.met-unused', ...Array(3).fill('cluster.met-unread')]);
  });
});
