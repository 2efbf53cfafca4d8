import { expect } from 'chai';
import { adoptedKeys } from '../../../../../domain/gateway/epochs/adopted-keys.js';
import { KvError } from '../../../../../ports/error.js';
import type { Policy, PolicyKey, PolicyReader } from '../../../../../ports/stargate/policy-reader.js';
import type { Oid } from '../../../../../ports/vocabulary.js';
import { refusal } from '../../../../support/failure.js';
import { RuleBench } from '../../../../support/formats/rules.js';

const POLICY = 'refs/kv-policy/current';

/** Reads a list of admins and one of writers: names of OpenPGP keys, or of SSH keys where they begin with `ssh`. */
const reader: PolicyReader = {
  parse(text, file) {
    if (text === 'later') throw new KvError('CONFIG_INVALID', `${file}: a later version`);
    if (text === 'bug') throw new TypeError('x is not a function');
    const keys = (names: string): PolicyKey[] =>
      names.split(' ').map((name) => ({ kind: name.startsWith('ssh') ? 'ssh' : 'openpgp', material: `block of ${name}`, name }));
    const [admins = '', writers = ''] = text.split('/');
    return { admins: keys(admins), namespaces: new Map([['main', { writers: keys(writers) }]]) } as unknown as Policy;
  },
};

describe('the OpenPGP keys that an adopted history can be checked against', () => {
  let bench: RuleBench;
  beforeEach(() => {
    bench = new RuleBench();
  });

  /** Policies as they were published, the oldest first; null: a commit without one. */
  async function published(...texts: readonly (string | null)[]): Promise<void> {
    let tip: Oid | null = null;
    for (const text of texts) {
      const tree = await bench.tree(text === null ? { README: 'x' } : { '.kv/policy.yaml': text });
      tip = await bench.commit('policy\n', tip === null ? [] : [tip], tree);
    }
    if (tip !== null) await bench.store.updateRefs([{ ref: POLICY, old: null, next: tip }], 'test');
  }
  const names = async (): Promise<string[]> => (await adoptedKeys(bench.store, reader)).map(({ name }) => name).sort();

  it('are those of admins and writers in every policy that there was, each once', async () => {
    await published('ada ssh-a/bob ssh-b', null, 'ada/carl', 'dora ssh-d/bob');
    expect(await names()).to.deep.equal(['ada', 'bob', 'carl', 'dora']);
  });

  it('are none where no policy was published', async () => {
    expect(await names()).to.deep.equal([]);
  });

  it('are not those of a policy that this version can’t read', async () => {
    await published('ada/bob', 'later', 'carl/bob');
    expect(await names()).to.deep.equal(['ada', 'bob', 'carl']);
  });

  it('are not made up for what is a bug', async () => {
    await published('bug');
    expect(await refusal(adoptedKeys(bench.store, reader)).catch((error: unknown) => error)).to.be.instanceOf(TypeError);
  });
});
