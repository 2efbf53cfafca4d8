import { expect } from 'chai';
import { may, type Permission, principal, principalsOf, type Role } from '../../../../domain/access/principal.js';
import type { Policy, PolicyKey } from '../../../../ports/stargate/policy-reader.js';

/** An ed25519 key in the form that a policy lists, made of one byte repeated. */
function sshKey(byte: number, name: string): PolicyKey {
  const blob = Buffer.concat([
    Buffer.from([0, 0, 0, 11]),
    Buffer.from('ssh-ed25519'),
    Buffer.from([0, 0, 0, 32]),
    Buffer.alloc(32, byte),
  ]);
  return { kind: 'ssh', material: `ssh-ed25519 ${blob.toString('base64')}`, name };
}

describe('principals', () => {
  it('may what one of their roles allows', () => {
    const table: Record<Role, readonly Permission[]> = {
      reader: ['fetch'],
      writer: ['fetch', 'push'],
      admin: ['fetch', 'push', 'administer'],
    };
    for (const [role, allowed] of Object.entries(table))
      for (const permission of ['fetch', 'push', 'administer'] as const)
        expect(may(principal('x', role as Role), permission), `${role} ${permission}`).to.equal(allowed.includes(permission));
    expect(may(principal('nobody'), 'fetch')).to.equal(false);
    expect(may(principal('both', 'reader', 'admin'), 'administer')).to.equal(true);
  });

  it('are known once by each SSH key of the policy, with all the roles that it is listed under', () => {
    const [ada, bob, eve] = [sshKey(1, 'ada'), sshKey(2, 'bob'), sshKey(3, 'eve')];
    const openpgp: PolicyKey = { kind: 'openpgp', material: '-----BEGIN PGP PUBLIC KEY BLOCK-----', name: 'gpg' };
    const policy = {
      admins: [ada, openpgp],
      readers: [eve, { ...bob, name: 'another name' }],
      namespaces: new Map([['main', { writers: [ada, bob] }]]),
    } as unknown as Policy;
    const found = principalsOf(policy).map(({ key, principal: { name, roles } }) => [name, key.blob.at(-1), [...roles].sort()]);
    expect(found).to.deep.equal([
      ['ada', 1, ['admin', 'writer']],
      ['bob', 2, ['reader', 'writer']],
      ['eve', 3, ['reader']],
    ]);
  });
});
