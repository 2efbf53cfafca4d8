import type { CloneConfig } from '../../ports/clone/clone-config.js';
import { KvError } from '../../ports/error.js';
import type { Signer } from '../../ports/clone/signer.js';
import { runProgram, signingFailed } from './program.js';
import type { Environment, HowToRun } from './program.js';
import { sshPublicKey } from './public-key.js';
import { defaultSshKey, signWithSsh } from './ssh.js';

/** The configuration that says how to sign, and the environment of the program that signs. */
export interface GitSignerOptions {
  /** Values by key, section and variable in lower case: a `CloneConfig`. */
  readonly config: Pick<CloneConfig, 'get'>;
  readonly env: Environment;
}

/** Signs with what `gpg.format`, `user.signingKey` and `gpg.<format>.program` say, as `git commit -S` would. */
export function gitSigner({ config, env }: GitSignerOptions): Signer {
  return {
    async sign(payload, { signal } = {}) {
      const format = formatOf(config);
      const program = (fallback: string): string =>
        config.get(`gpg.${format}.program`) ?? (format === 'openpgp' ? config.get('gpg.program') : undefined) ?? fallback;
      switch (format) {
        case 'ssh':
          return signWithSsh(program('ssh-keygen'), await sshKey(config, env, signal), { env, signal }, payload);
        case 'openpgp':
          return signWithGpg(program('gpg'), configuredKey(config), { env, signal }, payload);
        case 'x509':
          return signWithGpg(program('gpgsm'), configuredKey(config), { env, signal }, payload);
        default:
          throw new KvError('CONFIG_INVALID', `gpg.format is '${format}'`, { hint: 'set it to ssh, openpgp or x509' });
      }
    },
    async publicKey() {
      const key = config.get('user.signingkey');
      return isSet(key) && formatOf(config) === 'ssh' ? sshPublicKey(key, env) : null;
    },
  };
}

const formatOf = (config: Pick<CloneConfig, 'get'>): string =>
  config.get('gpg.format') ?? (isSshKey(config.get('user.signingkey') ?? '') ? 'ssh' : 'openpgp');

/** Whether a key can only be one of SSH: itself, or a file. Who sets user.signingKey alone is understood; git itself wants gpg.format too. */
const isSshKey = (key: string): boolean => /^(?:key::|ssh-|ecdsa-|sk-|[~.]{0,2}\/)|\.pub$/.test(key);

async function sshKey(config: Pick<CloneConfig, 'get'>, env: Environment, signal: AbortSignal | undefined): Promise<string> {
  const command = config.get('gpg.ssh.defaultkeycommand');
  if (isSet(config.get('user.signingkey')) || command === undefined || command === '') return configuredKey(config);
  return (await defaultSshKey(command, { env, signal })) ?? configuredKey(config);
}

function configuredKey(config: Pick<CloneConfig, 'get'>): string {
  const key = config.get('user.signingkey');
  if (isSet(key)) return key;
  throw new KvError('CONFIG_INVALID', 'no signing key is configured', {
    hint: 'run `git config gpg.format ssh` and `git config user.signingKey ~/.ssh/id_ed25519.pub`',
  });
}

function isSet(key: string | undefined): key is string {
  return key !== undefined && key !== '';
}

async function signWithGpg(program: string, key: string, how: HowToRun, payload: Uint8Array): Promise<string> {
  const { code, stdout, stderr } = await runProgram(program, ['--status-fd=2', '-bsau', key], how, payload);
  if (code === 0 && /^\[GNUPG:\] SIG_CREATED /m.test(stderr)) return stdout.replace(/\r/g, '');
  throw signingFailed(program, stderr, `check that \`${program} --list-secret-keys\` shows the key '${key}' of user.signingKey`);
}
