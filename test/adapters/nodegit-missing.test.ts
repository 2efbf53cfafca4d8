import { expect } from 'chai';
import { loadNodegit, NODEGIT_VERSION } from '../../adapters/nodegit/library/load.js';
import { KvError } from '../../ports/error.js';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../support/root.js';

/** Errors as Node throws them. */
const failing = (code: string, message: string) => async (): Promise<never> => {
  throw Object.assign(new Error(message), { code });
};

const REASONS: readonly { readonly when: string; readonly importing: () => Promise<unknown>; readonly says: RegExp }[] = [
  {
    when: 'is missing',
    importing: failing('ERR_MODULE_NOT_FOUND', "Cannot find package 'nodegit' imported from /x/dist/load.js"),
    says: /needs the package nodegit, which is not installed/,
  },
  {
    when: 'was built for another Node',
    importing: failing(
      'ERR_DLOPEN_FAILED',
      "The module '/x/nodegit.node'\nwas compiled against a different Node.js version using\nNODE_MODULE_VERSION 137. This version of Node.js requires\nNODE_MODULE_VERSION 115.",
    ),
    says: new RegExp(`built for another Node than this one \\(${process.version}\\)`),
  },
  {
    when: 'was built for another Node, which Node says in other words',
    importing: failing('ERR_DLOPEN_FAILED', "Module did not self-register: '/x/nodegit/build/Release/nodegit.node'."),
    says: /built for another Node/,
  },
  {
    when: 'was never built',
    importing: failing('MODULE_NOT_FOUND', "Cannot find module '../build/Debug/nodegit.node'\nRequire stack:\n- /x/nodegit.js"),
    says: /installed, and was never built/,
  },
  {
    when: 'lacks a library of the system',
    importing: failing('ERR_DLOPEN_FAILED', 'libgssapi_krb5.so.2: cannot open shared object file: No such file or directory'),
    says: /cannot be loaded: libgssapi_krb5/,
  },
  { when: 'is another version', importing: async () => ({ default: { Libgit2: {} } }), says: /is not version/ },
];

describe('the git-store nodegit, where nodegit', () => {
  for (const { when, importing, says } of REASONS) {
    it(`${when}, says how to install it`, async () => {
      const error = await loadNodegit(importing).catch((thrown: unknown) => thrown);
      if (!KvError.is(error)) throw new Error(`expected a KvError, got ${String(error)}`);
      expect(error.code).to.equal('CONFIG_INVALID');
      expect(error.message).to.match(says);
      expect(error.message).not.to.include('\n');
      expect(error.hint).to.include('npm run with-nodegit').and.to.include(`nodegit@${NODEGIT_VERSION}`);
    });
  }

  it('is wanted in the version that the package names', () => {
    const { peerDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      readonly peerDependencies: Readonly<Record<string, string>>;
    };
    expect(peerDependencies['nodegit']).to.equal(NODEGIT_VERSION);
  });
});
