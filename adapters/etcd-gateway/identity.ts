import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContext } from 'node:tls';
import { KvError } from '../../ports/index.js';

/** Files of PEM by which both sides know each other. */
export interface IdentityFiles {
  /** Certificate authorities that etcd's certificate may be signed by; absent: those that Node trusts. */
  readonly ca?: string | undefined;
  /** This side's certificate, for an etcd that asks for one, and its private key: both or neither. */
  readonly cert?: string | undefined;
  readonly certKey?: string | undefined;
}

/** Reads the files. Throws `CONFIG_INVALID` for one that can't be read or used. */
export async function readIdentity(files: IdentityFiles): Promise<SecureContext> {
  if ((files.cert === undefined) !== (files.certKey === undefined)) {
    throw new KvError('CONFIG_INVALID', 'of cert and certKey, only one is there', { hint: 'name both, or neither' });
  }
  const read = async (option: keyof IdentityFiles): Promise<Buffer | undefined> => {
    const file = files[option];
    if (file === undefined) return undefined;
    try {
      return await readFile(file);
    } catch (cause) {
      throw wrong(`${option}: cannot read ${file}`, cause);
    }
  };
  const [ca, cert, key] = [await read('ca'), await read('cert'), await read('certKey')];
  // A file without any is no fault to OpenSSL: nothing would be trusted then, and nobody told why.
  if (ca?.includes('-----BEGIN') === false)
    throw new KvError('CONFIG_INVALID', `ca: no certificate is in ${files.ca}`, { hint: PEM });
  try {
    return createSecureContext({ ca, cert, key, minVersion: 'TLSv1.2' });
  } catch (cause) {
    const named = [files.ca, files.cert, files.certKey].filter((file) => file !== undefined);
    throw wrong(`no certificates and keys that belong together: ${named.join(', ')}`, cause);
  }
}

const PEM = 'files of PEM that the Stargate may read';

function wrong(what: string, cause: unknown): KvError {
  const { code, message } = cause as NodeJS.ErrnoException;
  return new KvError('CONFIG_INVALID', `${what} (${code ?? message})`, {
    cause,
    hint: PEM,
  });
}
