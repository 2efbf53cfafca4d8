import { expect } from 'chai';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import {
  HOST_KEY_KINDS,
  keyFile,
  keyFolder,
  nextKeyFile,
  readHostKeys,
  rotationFile,
} from '../../apps/stargate/host-key/key-files.js';
import { type Keyring, namedKeys, openKeyring } from '../../apps/stargate/host-key/keyring.js';
import { makeHostKeys, makeKey } from '../../apps/stargate/host-key/make-keys.js';
import { finishRotation, rotateHostKeys } from '../../apps/stargate/host-key/rotation.js';
import { refusal } from '../support/failure.js';
import { HOST_KEYS } from '../support/root.js';
import { Sandbox } from '../support/worlds/sandbox.js';
import { SILENT } from '../support/silent-log.js';

const HOUR = 3_600_000;
const NOW = Date.parse('2027-01-31T12:00:00Z');

describe('stargate: the files of the host keys', () => {
  let sandbox: Sandbox;
  let repo: string;
  let folder: string;
  beforeEach(async () => {
    sandbox = new Sandbox();
    repo = sandbox.path('shop.git');
    folder = keyFolder(repo);
    await mkdir(folder, { recursive: true });
    await makeHostKeys(repo, HOST_KEYS);
  });
  afterEach(() => sandbox.remove());

  /** What takes over, without the seconds that an RSA key takes. */
  const begun = async (at: number): Promise<void> => {
    for (const kind of ['ed25519', 'ecdsa'] as const) await makeKey(kind, nextKeyFile(folder, kind));
    await rename(keyFile(folder, 'rsa'), nextKeyFile(folder, 'rsa'));
    await makeHostKeys(repo, HOST_KEYS);
    await writeFile(rotationFile(folder), JSON.stringify({ switch_at: new Date(at).toISOString() }));
  };
  const names = async (): Promise<string[]> => (await readdir(folder)).sort();

  it('are taken over from another folder, and read by nobody else', async () => {
    const keys = await readHostKeys(repo);
    expect(keys.inUse.map(({ kind }) => kind)).to.deep.equal(HOST_KEY_KINDS);
    expect([keys.next, keys.switchAt]).to.deep.equal([[], null]);
    for (const { kind, type, blob, fingerprint } of keys.inUse) {
      expect((await stat(keyFile(folder, kind))).mode & 0o777, kind).to.equal(0o600);
      expect(await readFile(`${keyFile(folder, kind)}.pub`, 'utf8')).to.contain(`${type} ${blob.toString('base64')}`);
      expect(sandbox.run('ssh-keygen', ['-lf', `${keyFile(folder, kind)}.pub`]).toString()).to.contain(fingerprint);
    }
    expect((await refusal(makeHostKeys(repo, sandbox.path('nothing')))).message).to.contain('ssh_host_ed25519_key to take over');
  });

  it('say when they are lost, which is another thing than a folder that is no repository', async () => {
    await rm(keyFile(folder, 'ed25519'));
    const lost = await refusal(readHostKeys(repo));
    expect([lost.code, lost.message]).to.deep.equal([
      'CONFIG_INVALID',
      `the SSH host key of ${repo} is lost: there is no ${keyFile(folder, 'ed25519')}`,
    ]);
    expect(lost.hint).to.contain(`git-kv-stargate host-key rotate --repo ${repo}`);
    expect((await refusal(readHostKeys(sandbox.path('elsewhere')))).message).to.contain("is not a Stargate's repository");
    await writeFile(keyFile(folder, 'ed25519'), 'garbage');
    expect((await refusal(readHostKeys(repo))).message).to.contain('cannot use the SSH host key');
    await writeFile(keyFile(folder, 'ed25519'), await readFile(keyFile(HOST_KEYS, 'ecdsa')));
    expect((await refusal(readHostKeys(repo))).message).to.contain('no private key of the kind ed25519');
  });

  it('are made anew where they are lost, and nothing else is touched', async () => {
    await rm(keyFile(folder, 'ed25519'));
    const before = await readFile(keyFile(folder, 'rsa'));
    expect(await rotateHostKeys(repo, { grace: HOUR, now: NOW })).to.deep.equal({ kind: 'made', kinds: ['ed25519'] });
    const { inUse, next } = await readHostKeys(repo);
    expect([inUse.length, next.length]).to.deep.equal([3, 0]);
    expect(await readFile(keyFile(folder, 'rsa'))).to.deep.equal(before);
    expect((await refusal(rotateHostKeys(sandbox.path('elsewhere'), { grace: HOUR, now: NOW }))).code).to.equal('CONFIG_INVALID');
  });

  it('take over when the grace is over, from wherever they were cut off', async () => {
    const old = await readHostKeys(repo);
    await begun(NOW + HOUR);
    const told = await readHostKeys(repo);
    expect(namedKeys(told).map(({ state }) => state)).to.deep.equal([...Array(3).fill('in-use'), ...Array(3).fill('next')]);
    expect(told.inUse.map(({ fingerprint }) => fingerprint)).to.deep.equal(old.inUse.map(({ fingerprint }) => fingerprint));
    expect(await rotateHostKeys(repo, { grace: 2 * HOUR, now: NOW })).to.deep.equal({ kind: 'under-way' });
    // Clients were told when: it is never put off, and brought forward only when that is asked for.
    for (const [grace, sooner, kind] of [
      [2 * HOUR, true, 'under-way'],
      [HOUR / 2, false, 'under-way'],
      [HOUR / 2, true, 'sooner'],
    ] as const)
      expect(await rotateHostKeys(repo, { grace, now: NOW, sooner })).to.deep.equal({ kind });
    expect((await readHostKeys(repo)).switchAt).to.equal(NOW + HOUR / 2);
    expect(await rotateHostKeys(repo, { grace: HOUR / 4, now: NOW, sooner: true })).to.deep.equal({ kind: 'sooner' });
    await writeFile(rotationFile(folder), JSON.stringify({ switch_at: new Date(NOW + HOUR).toISOString() }));
    expect(await finishRotation(repo, NOW + HOUR - 1)).to.equal(false);
    // A process that died in the midst of it.
    await rename(`${nextKeyFile(folder, 'ed25519')}.pub`, `${keyFile(folder, 'ed25519')}.pub`);
    await rename(nextKeyFile(folder, 'ed25519'), keyFile(folder, 'ed25519'));
    await rename(`${nextKeyFile(folder, 'ecdsa')}.pub`, `${keyFile(folder, 'ecdsa')}.pub`);
    expect(await finishRotation(repo, NOW + HOUR)).to.equal(true);
    const { inUse, next, switchAt } = await readHostKeys(repo);
    expect(inUse.map(({ fingerprint }) => fingerprint)).to.deep.equal(told.next.map(({ fingerprint }) => fingerprint));
    expect([next, switchAt]).to.deep.equal([[], null]);
    expect(await names()).to.deep.equal(
      HOST_KEY_KINDS.flatMap((kind) => [`ssh_host_${kind}_key`, `ssh_host_${kind}_key.pub`]).sort(),
    );
    expect(await finishRotation(repo, NOW + 2 * HOUR)).to.equal(false);
  });

  it('take over at once when that is asked for during a rotation', async () => {
    await begun(NOW + HOUR);
    const { next } = await readHostKeys(repo);
    expect(await rotateHostKeys(repo, { grace: 0, now: NOW })).to.deep.equal({ kind: 'switched' });
    expect((await readHostKeys(repo)).inUse.map(({ fingerprint }) => fingerprint)).to.deep.equal(
      next.map(({ fingerprint }) => fingerprint),
    );
  });

  it('are never made over others', async () => {
    const file = keyFile(folder, 'ecdsa');
    const before = await readFile(file, 'utf8');
    await makeKey('ecdsa', file);
    expect(await readFile(file, 'utf8')).to.equal(before);
    expect((await names()).filter((name) => name.includes('tmp'))).to.deep.equal([]);
  });

  describe('followed by a Stargate that runs', () => {
    let keyring: Keyring;
    let changes: number;
    const events: string[] = [];
    const log = {
      ...SILENT,
      warn: (event: string) => void events.push(event),
      error: (event: string) => void events.push(event),
    };
    let now = NOW;
    const open = async (): Promise<void> => {
      changes = 0;
      events.length = 0;
      now = NOW;
      keyring = await openKeyring({ gitDir: repo, log, now: () => now, onChange: () => void changes++ });
    };
    afterEach(() => keyring.close());

    it('are taken up, told of once, and switched in time', async () => {
      await open();
      const first = keyring.current;
      await keyring.reload();
      expect([keyring.current === first, changes]).to.deep.equal([true, 0]);
      await begun(NOW + HOUR);
      await keyring.reload();
      expect([keyring.current.next.length, changes]).to.deep.equal([3, 1]);
      const { next } = keyring.current;
      now = NOW + HOUR;
      await keyring.reload();
      expect(keyring.current.inUse.map(({ fingerprint }) => fingerprint)).to.deep.equal(
        next.map(({ fingerprint }) => fingerprint),
      );
      expect([changes, events]).to.deep.equal([2, ['host-key.switched']]);
    });

    it('stay as they are while the files cannot be read, which is said once', async () => {
      await open();
      const { inUse } = keyring.current;
      await rm(keyFile(folder, 'ed25519'));
      for (let looks = 0; looks < 2; looks++) await keyring.reload();
      expect(keyring.current.inUse).to.equal(inUse);
      expect([changes, events]).to.deep.equal([0, ['host-key.rejected']]);
    });

    it('get the kinds that a repository from before has not got', async () => {
      await rm(keyFile(folder, 'ecdsa'));
      await open();
      expect(keyring.current.inUse.map(({ kind }) => kind)).to.deep.equal(HOST_KEY_KINDS);
      expect(events).to.deep.equal(['host-key.made']);
      const made = keyring.current.inUse[1]?.fingerprint;
      keyring.close();
      await open();
      expect([keyring.current.inUse[1]?.fingerprint, events]).to.deep.equal([made, []]);
    });
  });
});
