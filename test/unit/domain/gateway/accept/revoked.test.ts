import { expect } from 'chai';
import { KvError } from '../../../../../ports/error.js';
import { MemoryForge } from '../../../../support/memory/forge.js';
import { MemoryGateway } from '../../../../support/memory/gateway.js';
import { rejectionIn } from '../../../../support/failure.js';

describe('a push whose policy changes while it is under way', () => {
  let gateway: MemoryGateway;
  let forge: MemoryForge;
  beforeEach(async () => {
    gateway = await MemoryGateway.start({ format: 'sha1', writers: ['ada', 'bob'] });
    forge = new MemoryForge(gateway, 'ada');
    await send('0', true);
  });
  afterEach(async () => {
    await forge.close();
    await gateway.close();
  });

  const send = async (value: string, first = false): Promise<string | undefined> => {
    const ran = await forge.send(await forge.forge({ operations: [forge.set('cfg:a', value)] }), { first });
    return ran.code === 0 ? undefined : rejectionIn(ran.stderr)?.code;
  };
  /** Refuses the so manieth time that it is asked. */
  const refuseAt = (time: number): (() => void) => {
    let times = 0;
    return () => {
      times += 1;
      if (times === time) throw new KvError('POLICY_VIOLATION', 'this key is not in the policy any more');
    };
  };
  const ledger = async (): Promise<string | undefined> => (await gateway.refs()).get('refs/kv/main');
  const intents = async (): Promise<number> => (await gateway.journal()).filter(({ kind }) => kind === 'intent').length;

  for (const [when, time] of [
    ['has been checked', 1],
    ['is about to move refs', 2],
  ] as const) {
    it(`lands nothing when its key was removed by the time that it ${when}, and the next one does`, async () => {
      const [tip, before] = [await ledger(), await intents()];
      gateway.confirm = refuseAt(time);
      expect(await send('1')).to.equal('POLICY_VIOLATION');
      expect(await ledger()).to.equal(tip);
      expect(await intents()).to.equal(before);
      expect(await send('2')).to.equal(undefined);
    });
  }

  it('is judged by the one that is in force once it has the lock', async () => {
    const { policy } = gateway;
    const namespaces = new Map([...policy.namespaces].map(([ns, rules]) => [ns, { ...rules, writers: rules.writers.slice(1) }]));
    let asked = 0;
    const stable = { ...policy, namespaces };
    gateway.policyNow = () => (++asked === 1 ? policy : stable);
    expect(await send('1')).to.equal('SIGNER_UNKNOWN');
  });

  it('is to be pushed again when the policy changes between its verdict and its commit', async () => {
    const { policy } = gateway;
    const tip = await ledger();
    gateway.confirm = () => {
      gateway.policyNow = () => ({ ...policy });
    };
    expect(await send('1')).to.equal('BUSY');
    expect(await ledger()).to.equal(tip);
    gateway.policyNow = () => policy;
    gateway.confirm = () => undefined;
    expect(await send('1')).to.equal(undefined);
  });
});
