import { expect } from 'chai';
import { createMetrics } from '../../../apps/stargate/metrics.js';
import { withJournalRoom } from '../../../apps/stargate/journal/journal-room.js';
import { type DiskRoom, watchDiskRoom } from '../../../apps/stargate/repository/disk-room.js';
import { parseProfile } from '../../../plugins/host/index.js';
import { diskErrorCode, isOutOfSpace } from '../../../ports/grammar/git-words/out-of-space.js';
import { KvError } from '../../../ports/error.js';
import type { Policy } from '../../../ports/stargate/policy-reader.js';
import { failure } from '../../support/failure.js';

const MiB = 1024 ** 2;
const FULL = new KvError('STORAGE_FULL', '/srv/kv.git: ENOSPC');

describe('stargate: room on the disk', () => {
  let free: number;
  let size: number;
  let minFreeSpace: number | null;
  let probe: () => Promise<void>;
  let logged: string[];
  let returns: number;
  const metrics = createMetrics();
  let room: DiskRoom;
  beforeEach(() => {
    [free, size, minFreeSpace, logged, returns] = [100 * MiB, 10_000 * MiB, null, [], 0];
    probe = async () => undefined;
    const note = (event: string): void => void logged.push(event);
    room = watchDiskRoom({
      host: { room: async () => ({ free, size }), probeWriting: () => probe() },
      policy: () => ({ pushUrl: 'ssh://git@stargate.local/kv.git', minFreeSpace }) as Policy,
      log: { info: note, warn: note, error: note },
      onRoom: () => (returns += 1),
      metrics,
    });
  });
  afterEach(() => room.close());

  it('keeps 64 MiB back, and less of a small disk', async () => {
    expect(await room.lack()).to.equal(null);
    free = 63 * MiB;
    expect(await room.lack()).to.equal('63.0 MiB free, and it keeps 64.0 MiB back');
    size = 100 * MiB;
    expect(await room.lack(), 'a twentieth').to.equal(null);
    free = 4 * MiB;
    expect(await room.lack()).to.equal('4.0 MiB free, and it keeps 5.0 MiB back');
  });

  it('keeps back what the policy says, and nothing where the system does not tell', async () => {
    minFreeSpace = 200 * MiB;
    const error = await failure(room.require(), 'STORAGE_FULL');
    expect(error.message).to.equal(
      'the disk of the Stargate at ssh://git@stargate.local/kv.git is full: 100 MiB free, and it keeps 200 MiB back',
    );
    [free, size] = [0, 0];
    await room.require();
  });

  it('is that of the journal, where this has a disk of its own that is full', async () => {
    const profile = parseProfile(
      'name: own\nadapters: { journal: { use: journal-file, config: { path: /journal/of/kv.ndjson } } }\n',
      'p.yaml',
    );
    const own = { free: 200 * MiB, size: 10_000 * MiB };
    const asked: string[] = [];
    const look = async (folder: string) => {
      asked.push(folder);
      return own;
    };
    const repository = { room: async () => ({ free, size }), probeWriting: () => probe() };
    const host = await withJournalRoom(repository, '/srv/kv.git', await profile, look);
    expect(await host.room()).to.deep.equal({ free, size });
    own.free = 63 * MiB;
    expect(await host.room()).to.deep.equal(own);
    free = 62 * MiB; // less than that: the repository's counts
    expect(await host.room()).to.deep.equal({ free, size });
    expect(new Set(asked)).to.deep.equal(new Set(['/journal/of']));
    const lost = await withJournalRoom(repository, '/srv/kv.git', await profile, () => Promise.reject(new Error('gone')));
    expect(await lost.room()).to.deep.equal({ free, size });
  });

  it('is told once of each turn, with a count', async () => {
    await room.look();
    free = 0;
    for (let i = 0; i < 3; i += 1) await room.look();
    expect(logged).to.deep.equal(['disk.full']);
    const shown = (await metrics.text()).split('\n').filter((line) => /^stargate_disk/.test(line));
    expect(shown).to.include.members(['stargate_disk_free_bytes 0', `stargate_disk_size_bytes ${size}`, 'stargate_disk_full 1']);
    free = size;
    for (let i = 0; i < 3; i += 1) await room.look();
    expect([logged, returns]).to.deep.equal([['disk.full', 'disk.room'], 1]);
    expect(await metrics.text()).to.include('stargate_disk_full 0\n');
  });

  it('believes a write that failed more than the free bytes, until a write works', async () => {
    probe = async () => {
      throw FULL;
    };
    const told = room.told(FULL);
    expect([told.code, told.cause, told.message.includes('stargate.local')]).to.deep.equal(['STORAGE_FULL', FULL, true]);
    expect(room.told(told), 'once').to.equal(told);
    expect(await room.lack()).to.equal('a write found no room, though 100 MiB are free');
    probe = async () => undefined;
    expect(await room.lack()).to.equal(null);
    const other = new KvError('IO_ERROR', 'EIO');
    expect([room.told(other), await room.lack()]).to.deep.equal([other, null]);
  });
});

describe('what says that there is no room', () => {
  it('is a system call, a program, or an error that was told already', () => {
    for (const code of ['ENOSPC', 'EDQUOT']) expect(isOutOfSpace(Object.assign(new Error('x'), { code }))).to.equal(true);
    const words = [
      'fatal: write error: No space left on device',
      'x: Disk quota exceeded',
      "file 'x' write error. Out of diskspace",
    ];
    for (const said of words) expect([isOutOfSpace(said), isOutOfSpace(new Error(said))], said).to.deep.equal([true, true]);
    expect(isOutOfSpace(FULL)).to.equal(true);
    for (const other of [null, undefined, 'no room', new Error('EIO'), { code: 'EACCES' }])
      expect(isOutOfSpace(other)).to.equal(false);
    expect([diskErrorCode(FULL), diskErrorCode(new Error('EIO'))]).to.deep.equal(['STORAGE_FULL', 'IO_ERROR']);
  });
});
