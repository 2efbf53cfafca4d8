import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { FreezingProxy } from '../../support/worlds/freezing-proxy.js';
import { BIN_DIR } from '../../support/root.js';
import { World } from '../../support/worlds/world.js';
import { formatsOfSession } from '../../support/needs/thorough.js';

interface Shown {
  readonly oid: string;
  readonly epoch: string;
  readonly signer: string;
  readonly set: number;
  readonly del: number;
  readonly keys: { readonly set: string[]; readonly del: string[] } | null;
  readonly parent_epoch: string | null;
}

/** A `git-kv watch --json` that runs beside the test. */
class Watcher {
  private out = '';
  private err = '';
  private wake: () => void = () => undefined;
  private readonly exited: Promise<[number | null, NodeJS.Signals | null]>;

  private constructor(private readonly child: ChildProcess) {
    this.exited = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.out += text;
      this.wake();
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.err += text;
      this.wake();
    });
    child.on('close', () => this.wake());
  }

  /** Starts one, and waits until it says where it begins. */
  static async start(world: World, person: string, ...args: string[]): Promise<Watcher> {
    const child = spawn(process.execPath, [join(BIN_DIR, 'git-kv.js'), 'watch', '--json', ...args], {
      cwd: world.clonePath(person),
      env: world.env(person),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const watcher = new Watcher(child);
    await watcher.until(() => /^watching /m.test(watcher.err), 'it started');
    return watcher;
  }

  get events(): Shown[] {
    return this.out
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Shown);
  }

  said(pattern: RegExp): Promise<void> {
    return this.until(() => pattern.test(this.err), String(pattern));
  }

  count(events: number): Promise<void> {
    return this.until(() => this.events.length >= events, `${events} events`);
  }

  /** Ends it as Ctrl-C does; gives the OID to resume from. */
  async interrupt(signal: NodeJS.Signals = 'SIGINT'): Promise<string> {
    this.child.kill(signal);
    const [code] = await this.exited;
    expect(code, this.err).to.equal(0);
    return /^resume with --since (\w+)$/m.exec(this.err)?.[1] ?? '';
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }

  private async until(done: () => boolean, what: string): Promise<void> {
    const deadline = Date.now() + 40_000;
    while (!done()) {
      const left = deadline - Date.now();
      if (left <= 0 || this.child.exitCode !== null) throw new Error(`waiting for: ${what}\n${this.out}\n${this.err}`);
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        timer = setTimeout(resolve, left);
      });
      clearTimeout(timer);
    }
  }
}

for (const hash of formatsOfSession('sha1')) {
  describe(`the watch feed (${hash})`, () => {
    let world: World;
    const watchers: Watcher[] = [];
    const watch = async (...args: string[]): Promise<Watcher> => {
      const watcher = await Watcher.start(world, 'eve', ...args);
      watchers.push(watcher);
      return watcher;
    };
    const kv = async (person: string, ...args: string[]): Promise<string> => {
      const ran = await world.kv(person, args);
      expect(ran.code, `${args.join(' ')}: ${ran.stdout}${ran.stderr}`).to.equal(0);
      return ran.stdout;
    };
    const writeMany = async (person: string, count: number): Promise<void> => {
      for (let i = 0; i < count; i++) await kv(person, 'set', `${person}:${i}`, String(i));
    };
    /** The ledger commits that the Stargate's watchlogs tell of, epoch by epoch. */
    const accepted = async (...epochs: string[]): Promise<string[]> => {
      const oids: string[] = [];
      for (const epoch of epochs) {
        const log = await world.git(world.repo, 'ada', ['log', '--reverse', '--format=%B', `refs/kv-watchlog/main@${epoch}`]);
        for (const line of log.stdout.split('\n').filter(Boolean)) oids.push((JSON.parse(line) as { oid: string }).oid);
      }
      return oids;
    };
    let firstEpoch = '';

    before(async () => {
      world = await World.create({ hash, writers: ['ada', 'bob'], readers: ['eve'] });
      for (const person of ['ada', 'bob', 'eve']) await world.clone(person);
      const receipt = JSON.parse(await kv('ada', 'set', 'before', '0', '--wait', '--json')) as { epoch: string };
      firstEpoch = receipt.epoch;
    });
    after(async () => {
      for (const watcher of watchers) watcher.kill();
      await world?.close();
    });

    it('shows what two writers write from now on, in the order of the Stargate, while the same clone is read from', async () => {
      const watcher = await watch();
      const reads = (async () => {
        for (let i = 0; i < 6; i++) await kv('eve', 'list');
      })();
      await Promise.all([writeMany('ada', 4), writeMany('bob', 4), reads]);
      await kv('ada', 'del', 'before');
      await watcher.count(9);
      const resume = await watcher.interrupt();
      expect(watcher.events.map(({ oid }) => oid)).to.deep.equal((await accepted(firstEpoch)).slice(1));
      expect(watcher.events.filter(({ signer }) => signer === 'bob').map(({ keys }) => keys?.set)).to.deep.equal([
        ['bob:0'],
        ['bob:1'],
        ['bob:2'],
        ['bob:3'],
      ]);
      expect(watcher.events.at(-1)).to.deep.include({ set: 0, del: 1, keys: { set: [], del: ['before'] }, parent_epoch: null });
      expect(resume).to.equal(watcher.events.at(-1)?.oid);
    });

    it('resumes exactly, over new epochs that began while it was away and while it ran', async () => {
      const first = await watch('--since', 'oldest');
      await first.count(5);
      const resume = await first.interrupt('SIGTERM');
      await kv('ada', 'epoch', 'new', '--label', 'two');
      await kv('bob', 'set', 'in:two', '1');
      await kv('ada', 'epoch', 'new', '--label', 'three');
      const second = await watch('--since', resume);
      await Promise.all([writeMany('ada', 2), writeMany('bob', 2)]);
      await kv('ada', 'epoch', 'new', '--label', 'four');
      await kv('bob', 'set', 'in:four', '1');
      const all = await accepted(firstEpoch, 'two', 'three', 'four');
      await second.count(all.length - first.events.length);
      await second.interrupt();
      const events = [...first.events, ...second.events];
      expect(events.map(({ oid }) => oid)).to.deep.equal(all);
      expect(events.flatMap(({ epoch, parent_epoch }) => (parent_epoch === null ? [] : [[parent_epoch, epoch]]))).to.deep.equal([
        [firstEpoch, 'two'],
        ['two', 'three'],
        ['three', 'four'],
      ]);
      expect(events.every(({ keys, set, del }) => keys?.set.length === set && keys.del.length === del)).to.equal(true);
    });

    it('outlives the mirror, and loses nothing by it', async () => {
      const watcher = await watch();
      await rename(world.mirror, `${world.mirror}.away`);
      await watcher.said(/^warning: cannot fetch from 'origin'/m);
      await kv('ada', 'set', 'away:1', '1');
      await kv('ada', 'set', 'away:2', '2');
      expect(watcher.events).to.deep.equal([]);
      await rename(`${world.mirror}.away`, world.mirror);
      await watcher.count(2);
      await watcher.said(/^the connection is back$/m);
      await watcher.interrupt();
      expect(watcher.events.map(({ keys }) => keys?.set)).to.deep.equal([['away:1'], ['away:2']]);
    });

    it('outlives a Stargate that keeps its connections open and says nothing, and loses nothing by it', async () => {
      const proxy = await FreezingProxy.before(world.port);
      const path = world.clonePath('eve');
      const settings = [
        ['remote.origin.pushurl', world.pushUrl.replace(`:${world.port}/`, `:${proxy.port}/`)],
        ['kv.timeout', '3s'],
      ] as const;
      try {
        for (const [key, value] of settings) await world.git(path, 'eve', ['config', key, value]);
        const watcher = await watch('--read-from=stargate');
        proxy.freeze();
        await watcher.said(/^warning: .*no answer from ssh:.* for 3 s/m);
        await kv('ada', 'set', 'silent:1', '1');
        await kv('ada', 'set', 'silent:2', '2');
        expect(watcher.events).to.deep.equal([]);
        proxy.thaw();
        await watcher.count(2);
        await watcher.said(/^the connection is back$/m);
        await watcher.interrupt();
        expect(watcher.events.map(({ keys }) => keys?.set)).to.deep.equal([['silent:1'], ['silent:2']]);
      } finally {
        proxy.close();
        await world.git(path, 'eve', ['config', 'remote.origin.pushurl', world.pushUrl]);
        await world.git(path, 'eve', ['config', '--unset', 'kv.timeout']);
      }
    });

    it('ends at once on a signal while the mirror is gone, with the place to resume from', async () => {
      const watcher = await watch();
      await rename(world.mirror, `${world.mirror}.away`);
      try {
        await watcher.said(/^warning: /m);
        expect(await watcher.interrupt()).to.equal((await accepted('four')).at(-1));
      } finally {
        await rename(`${world.mirror}.away`, world.mirror);
      }
    });

    it('reads from the Stargate, and only events with a prefix', async () => {
      const watcher = await watch('--read-from=stargate', '--prefix', 'cfg:', '--interval', '100ms', '--limit', '2');
      await rename(world.mirror, `${world.mirror}.away`);
      try {
        await kv('ada', 'set', 'other', '1');
        const input = '{"op":"set","key":"cfg:a","value":"1"}\n{"op":"set","key":"user:x","value":"2"}\n';
        const ran = await world.kv('bob', ['mset', '--file', '-'], { input });
        expect(ran.code, ran.stdout + ran.stderr).to.equal(0);
        await kv('bob', 'del', 'cfg:a');
        await watcher.said(/^resume with /m);
      } finally {
        await rename(`${world.mirror}.away`, world.mirror);
      }
      expect(watcher.events.map(({ keys, set }) => [keys, set])).to.deep.equal([
        [{ set: ['cfg:a'], del: [] }, 2],
        [{ set: [], del: ['cfg:a'] }, 0],
      ]);
    });

    it('waits for a write that the mirror does not show yet', async () => {
      await world.mirrored();
      await rename(world.mirror, `${world.mirror}.away`);
      const { commit } = JSON.parse(await kv('ada', 'set', 'late', '1', '--json')) as { commit: string };
      await kv('ada', 'set', 'later', '1');
      await rename(`${world.mirror}.away`, world.mirror);
      const ran = await world.kv('ada', ['watch', '--since', commit, '--limit', '1', '--json']);
      expect(ran.code, ran.stderr).to.equal(0);
      expect(JSON.parse(ran.stdout)).to.deep.include({ keys: { set: ['later'], del: [] } });
    });

    it('says which is the oldest when the oid is unknown, and what is wrong with an oid that is none', async () => {
      const unknown = hash === 'sha1' ? '12'.repeat(20) : '12'.repeat(32);
      const ran = await world.kv('eve', ['watch', '--since', unknown, '--json']);
      expect(ran.code).to.equal(6);
      const [oldest] = await accepted(firstEpoch);
      expect(JSON.parse(ran.stdout)).to.have.nested.property('error.details.oldest', oldest);
      expect((await world.kv('eve', ['watch', '--since', 'the day before'])).code).to.equal(64);
    });

    it('works in a partial clone', async () => {
      await world.git(world.mirror, 'ada', ['config', 'uploadpack.allowFilter', 'true']);
      await world.clone('eve', 'partial');
      const path = world.clonePath('partial');
      for (const [key, value] of [
        ['remote.origin.promisor', 'true'],
        ['remote.origin.partialclonefilter', 'blob:none'],
      ] as const)
        await world.git(path, 'eve', ['config', key, value]);
      const ran = await world.kv('partial', ['watch', '--since', 'oldest', '--once', '--json'], { person: 'eve' });
      expect(ran.code, ran.stderr).to.equal(0);
      const events = ran.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Shown);
      expect(events.map(({ oid }) => oid)).to.deep.equal(await accepted(firstEpoch, 'two', 'three', 'four'));
      expect(events.every(({ keys, set }) => keys?.set.length === set)).to.equal(true);
      const objects = await world.git(path, 'eve', ['rev-list', '--objects', '--missing=print', '--all']);
      expect(objects.stdout).to.match(/^\?/m); // the values were not brought
    });
  });
}
