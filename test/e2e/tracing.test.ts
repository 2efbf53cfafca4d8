import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { OtlpReceiver } from '../support/programs/otlp-receiver.js';
import { until } from '../support/until.js';
import { World } from '../support/worlds/world.js';
import { readFileSync } from 'node:fs';
import { ROOT } from '../support/root.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';

describe('e2e: a trace', function () {
  this.timeout(60_000);
  let receiver: OtlpReceiver;
  let world: World;

  before(async () => {
    receiver = await OtlpReceiver.start();
    world = await World.create();
    await world.stop();
    const profile = readFileSync(join(ROOT, 'apps', 'profiles', 'embedded.yaml'), 'utf8');
    const traced = profile.replace(
      /^ {2}tracing: .*$/m,
      `  tracing: { use: tracing-otel, config: { endpoint: '${receiver.url}' } }`,
    );
    await writeFile(join(world.dir, 'traced.yaml'), traced);
    await world.start({ OTEL_BSP_SCHEDULE_DELAY: '50' }, ':', ['--profile', join(world.dir, 'traced.yaml')]);
    await world.clone('ada');
  });
  after(async () => {
    await world?.close();
    await receiver?.stop();
  });

  const named = (traceId: string, name: string) => receiver.trace(traceId).find((span) => span.name === name);

  it('shows a write whole, from the command to the mirror, and neither key nor value', async () => {
    const ran = await world.kv('ada', ['set', 'hidden:key', 'hidden-value', '--json'], {
      env: { TRACEPARENT: `00-${TRACE}-${PARENT}-01`, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url },
    });
    expect(ran.code, ran.stderr).to.equal(0);
    const { txn } = JSON.parse(ran.stdout) as { txn: string };
    await until(
      'the spans of the write',
      () => named(TRACE, 'stargate.mirror') !== undefined && named(TRACE, 'stargate.session') !== undefined,
    );
    const parents: Record<string, string> = {
      'git-kv.push': 'git-kv.write',
      'stargate.session': 'git-kv.push',
      'stargate.receive': 'stargate.session',
      'stargate.validate': 'stargate.session',
      'stargate.commit': 'stargate.session',
      'stargate.journal': 'stargate.commit',
      'stargate.refs': 'stargate.commit',
      'stargate.mirror': 'stargate.commit',
      'stargate.mirror.push': 'stargate.mirror',
    };
    expect(named(TRACE, 'git-kv.write')?.parentId).to.equal(PARENT);
    for (const [name, parent] of Object.entries(parents)) {
      expect(named(TRACE, name)?.parentId, `${name} is a part of ${parent}`).to.equal(named(TRACE, parent)?.spanId);
    }
    for (const name of ['git-kv.write', 'stargate.session', 'stargate.validate', 'stargate.commit', 'stargate.mirror']) {
      expect(named(TRACE, name)?.attributes['git_kv.txn'], name).to.deep.equal([txn]);
    }
    for (const body of receiver.bodies) expect(body.includes('hidden')).to.equal(false);
    await world.logged(new RegExp(`"event":"push.accepted".*"txns":\\["${txn}"\\].*"trace":"${TRACE}"`));
  });

  it("goes on from git's own push of a branch, and ignores what can't be read without repeating it", async () => {
    const other = TRACE.replaceAll('4', '5');
    const dir = world.clonePath('ada');
    const push = async (option: string): Promise<void> => {
      for (const args of [
        ['commit', '-q', '--allow-empty', '-m', option.slice(0, 12)],
        ['push', '-q', '-o', 'ci.skip', '-o', option, 'origin', 'HEAD:main'],
      ]) {
        const ran = await world.git(dir, 'ada', args);
        expect(ran.code, ran.stderr).to.equal(0);
      }
    };
    await push(`traceparent=00-${other}-${PARENT}-01`);
    await until(
      'the spans of the push',
      () => named(other, 'stargate.session') !== undefined && named(other, 'stargate.commit') !== undefined,
    );
    expect(named(other, 'stargate.session')?.parentId).to.equal(PARENT);
    await push('traceparent=00-evil$(id)-\u001b[2Jx');
    await world.stop();
    expect(world.logText).not.to.match(/evil|\$\(id\)/);
  });
});
