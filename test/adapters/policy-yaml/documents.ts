import { expect } from 'chai';
import { parsePolicy } from '../../../adapters/policy-yaml/open.js';
import { KvError } from '../../../ports/index.js';

export const ED = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEYIkO+3jZKDtKN6s0CUlPCY2vkT4PpVxmh2fvgYZVi2';
export const PGP = `-----BEGIN PGP PUBLIC KEY BLOCK-----

mDMEawAr2xYJKwYBBAHaRw8BAQdA/x4oe/RcM7IFWQRKXKbthyCFvnY80byY/Dl0
KBsC5K+0HUFkYSBFeGFtcGxlIDxhZGFAZXhhbXBsZS5vcmc+iJAEExYIADgWIQS5
ZzTzmdoImY8ZhQ42GCzqF62tjgUCawAr2wIbAwULCQgHAgYVCgkICwIEFgIDAQIe
AQIXgAAKCRA2GCzqF62tjrfoAQCP8vJgXyup6q3RBZwmhnSM/HoIEe6JGTGFxab1
FaS7pwEAyJsKiXNJWyitGO7k/TZ0Bzobf1Wbmjz18RwB6W3Xzgk=
=edw1
-----END PGP PUBLIC KEY BLOCK-----
`;

export const FILE = '.kv/policy.yaml';

// The specification's example, with whole keys in place of its shortened ones.
export const SPEC = `version: 1
stargate:
  push_url: "ssh://git@stargate.local/org/repo.git"
  read_url: "ssh://git@stargate.local/org/repo.git"    # optional
  require_mirror_ack_by_default: false
  admins:
    - "${ED} james"                    # can run 'stargate sync --force'

namespaces:
  main:
    ledger_mode: linear
    require_signed_commits: true
    max_value_inline: 1MiB
    max_value_total: 100MiB
    chunking: { mode: fastcdc, min: 64KiB, avg: 256KiB, max: 1MiB }
    allowed_prefixes: ["cfg:","user:","secret:","deploy:"]
    writers:
      - "${ED} james"
      - "${ED} ci-bot"
    forbidden: [{ lfs: true }]
    retention: { ttl_default: 365d, enforce_readside: true }
`;

/** The faults of a policy, without the file's name. */
export function faultsOf(text: string): string[] {
  try {
    parsePolicy(text, FILE);
  } catch (error) {
    if (!KvError.is(error)) throw error;
    expect(error.code).to.equal('CONFIG_INVALID');
    expect(error.hint).to.be.a('string');
    return error.message.split('\n').map((line) => {
      expect(line.startsWith(`${FILE}:`), line).to.equal(true);
      return line.slice(FILE.length + 1);
    });
  }
  return [];
}

/** The faults of a namespace that has one line. */
export const inMain = (line: string): string[] => faultsOf(`version: 1\nnamespaces:\n  main:\n    ${line}\n`);
export const inStargate = (line: string): string[] => faultsOf(`version: 1\nstargate:\n  ${line}\n`);
