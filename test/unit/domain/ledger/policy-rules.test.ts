import { expect } from 'chai';
import { type Fault, throwFault } from '../../../../domain/verify/fault.js';
import { checkPrefix } from '../../../../domain/verify/policy-rules.js';
import { KvError } from '../../../../ports/error.js';
import type { NamespacePolicy } from '../../../../ports/stargate/policy-reader.js';

describe('policy rules', () => {
  const policy = { allowedPrefixes: ['cfg:', 'user:'] } as unknown as NamespacePolicy;
  const faultsOf = (key: string, of = policy): Fault[] => {
    const faults: Fault[] = [];
    checkPrefix(of, 'main', key, (fault) => faults.push(fault));
    return faults;
  };

  it('take a key that begins with an allowed prefix, or any where none is named', () => {
    for (const key of ['cfg:', 'cfg:a', 'user:cfg:a']) expect(faultsOf(key), key).to.deep.equal([]);
    expect(faultsOf('x', { ...policy, allowedPrefixes: [] })).to.deep.equal([]);
  });

  it('refuse a key that has an allowed prefix further on', () => {
    for (const key of ['xcfg:a', 'tmp/user:7', 'acfg:', ' cfg:a', 'CFG:a', 'cfg'])
      expect(
        faultsOf(key).map(({ code, subject }) => [code, subject]),
        key,
      ).to.deep.equal([['POLICY_VIOLATION', { key }]]);
    expect(() => checkPrefix(policy, 'main', 'xcfg:a', throwFault))
      .to.throw(KvError, 'key "xcfg:a" has no prefix that namespace main allows')
      .with.property('hint', 'allowed prefixes: cfg: user:');
  });
});
