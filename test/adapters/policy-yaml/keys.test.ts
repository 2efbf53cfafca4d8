import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { parsePolicy } from '../../../adapters/policy-yaml/open.js';
import { temporaryFolder } from '../../support/temporary.js';
import { ED, faultsOf, FILE, inMain, PGP } from './documents.js';

const run = promisify(execFile);

describe('policy-yaml: keys of writers', () => {
  it('takes the keys that ssh-keygen makes', async () => {
    const folder = await temporaryFolder();
    for (const [type, bits] of [
      ['ed25519', ''],
      ['rsa', '2048'],
      ['ecdsa', '256'],
      ['ecdsa', '384'],
      ['ecdsa', '521'],
    ] as const) {
      const path = join(folder.path, `${type}${bits}`);
      await run('ssh-keygen', ['-q', '-t', type, ...(bits ? ['-b', bits] : []), '-N', '', '-C', 'a person, at home', '-f', path]);
      const line = (await readFile(`${path}.pub`, 'utf8')).trim();
      const [admin] = parsePolicy(`version: 1\nstargate: { admins: ["${line}"] }`, FILE).admins;
      expect(admin).to.deep.equal({ kind: 'ssh', material: line.split(' ').slice(0, 2).join(' '), name: 'a person, at home' });
      const bare = line.split(' ').slice(0, 2).join(' ');
      const [nameless] = parsePolicy(`version: 1\nstargate: { readers: ["${bare}"] }`, FILE).readers;
      const { stdout } = await run('ssh-keygen', ['-l', '-f', `${path}.pub`]);
      expect(stdout).to.contain(nameless?.name);
      const secret = await readFile(path, 'utf8');
      const faults = inMain(`writers: [${JSON.stringify(secret)}]`);
      expect(faults.join()).to.contain('is a PRIVATE key').and.not.contain(secret.split('\n')[1]);
    }
    await folder.remove();
  });

  it('refuses keys that are none', () => {
    const [type = '', base64 = ''] = ED.split(' ');
    const cases: [unknown, string][] = [
      [7, 'must be a public key in one string'],
      [null, 'must be a public key in one string'],
      ['', 'is no public key'],
      [type, 'is no public key'],
      [`ssh-dss ${base64} x`, "'ssh-dss' is no known key type"],
      [`ssh-ed25519-cert-v01@openssh.com ${base64} x`, 'is no known key type'],
      [`ssh-rsa ${base64} x`, "says ssh-rsa but holds a key of type 'ssh-ed25519'"],
      [`${type} ${base64.slice(0, -4)} x`, 'its base64 holds no complete public key'],
      [`${type} ${base64.slice(0, -1)}! x`, 'its base64 is damaged'],
      [`${type} ${base64.slice(0, 30)}=${base64.slice(30)} x`, 'its base64 is damaged'],
      [`restrict,pty ${ED} x`, "options such as 'restrict,pty' are not taken"],
      [`command="x" ${ED} x`, 'options such as \'command="x"\' are not taken'],
      [`${type} ${base64}= x`, 'its base64 is damaged'],
      [`${ED} two\nlines`, 'holds a control character'],
      [`${ED} bell\u0007`, 'holds a control character'],
      ['-----BEGIN PGP PUBLIC KEY BLOCK-----\n', 'is no complete OpenPGP public key block'],
      ['-----BEGIN PGP PRIVATE KEY BLOCK-----\n', 'is a PRIVATE key'],
    ];
    for (const [key, what] of cases) {
      const faults = inMain(`writers: [${JSON.stringify(key)}]`);
      expect(faults, String(key)).to.have.length(1);
      expect(faults[0]).to.contain(`4: namespaces.main.writers[0]: `).and.contain(what);
    }
  });

  it('takes an armoured OpenPGP key and names it by its user id', () => {
    const indented = PGP.trim()
      .split('\n')
      .map((line) => `        ${line}`)
      .join('\n');
    const text = (block: string): string => `version: 1\nnamespaces:\n  main:\n    writers:\n      - |\n${block}\n`;
    const [writer] = parsePolicy(text(indented), FILE).namespaces.get('main')?.writers ?? [];
    expect(writer).to.deep.equal({ kind: 'openpgp', material: PGP, name: 'Ada Example <ada@example.org>' });
    const flipped = indented.replace('mDMEa', 'mDMEb');
    expect(flipped).not.to.equal(indented);
    expect(faultsOf(text(flipped))).to.deep.equal([
      '5: namespaces.main.writers[0]: its OpenPGP block is damaged (the checksum differs)',
    ]);
    const cut = indented.split('\n').slice(0, -1).join('\n');
    expect(faultsOf(text(cut))).to.deep.equal(['5: namespaces.main.writers[0]: is no complete OpenPGP public key block']);
  });
});
