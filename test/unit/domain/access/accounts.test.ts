import { expect } from 'chai';
import { Accounts, NO_ACCOUNTS, type User } from '../../../../domain/access/accounts.js';

const user = (name: string, roles: readonly string[]): User => ({
  ...{ id: `u-${name}`, username: name, email: `${name}@example.com`, passwordHash: 'x', roles, active: true },
  ...{ createdAt: 0, grants: {} },
});

describe('what accounts remember', () => {
  async function bench(): Promise<Accounts> {
    const accounts = new Accounts(NO_ACCOUNTS, async () => undefined);
    await accounts.addUser(user('root', ['admin']));
    await accounts.addRole('tester', ['repo:read']);
    await accounts.addUser(user('tess', ['tester']));
    return accounts;
  }
  const rightsOf = (accounts: Accounts): string[] => [...accounts.rights(accounts.user('tess')).everywhere].sort();

  it('of rights is given up when the user changes, or a role', async () => {
    const accounts = await bench();
    expect(rightsOf(accounts)).to.deep.equal(['repo:read']);
    expect(accounts.rights(accounts.user('tess'))).to.equal(accounts.rights(accounts.user('tess')));
    await accounts.changeUser('u-tess', { grants: { one: ['repo:write'] } });
    expect([...(accounts.rights(accounts.user('tess')).grants.get('one') ?? [])]).to.deep.equal(['repo:write']);
    await accounts.removeRole('tester');
    expect(rightsOf(accounts)).to.deep.equal([]);
    const asked = { roles: ['later'], grants: {} };
    expect(accounts.rights(asked).everywhere.size).to.equal(0);
    await accounts.addRole('later', ['kv:read']);
    expect([...accounts.rights(asked).everywhere]).to.deep.equal(['kv:read']);
  });

  it('of the use of a key is right to the second', async () => {
    const accounts = await bench();
    const times = { createdAt: 0, expiresAt: null, lastUsedAt: null };
    await accounts.addKey({ id: 'k', user: 'u-tess', name: 'ci', hash: 'h', rights: ['repo:read'], ...times });
    const used = (now: number): number | null | undefined => {
      const key = accounts.key('h');
      if (key !== undefined) accounts.usedKey(key, now);
      return accounts.key('h')?.lastUsedAt;
    };
    expect([used(5000), used(5999), used(6000), used(9000)]).to.deep.equal([5000, 5000, 6000, 9000]);
  });
});
