import { readFile } from 'node:fs/promises';
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import { createSecureContext } from 'node:tls';
import { KvError } from '../../ports/index.js';

/** Files of PEM by which servers know each other. */
export interface PeerIdentityFiles {
  /** Who has signed the certificates of the cluster's servers. */
  readonly ca: string;
  readonly cert: string;
  readonly certKey: string;
}

/** What they hold. Throws `CONFIG_INVALID` for one that can't be read or used. */
export async function readPeerIdentity(files: PeerIdentityFiles): Promise<SecureContextOptions> {
  const read = async (option: keyof PeerIdentityFiles): Promise<Buffer> =>
    readFile(files[option]).catch((cause: NodeJS.ErrnoException) => {
      throw new KvError('CONFIG_INVALID', `${option}: cannot read ${files[option]} (${cause.code ?? cause.message})`, { cause });
    });
  const identity: SecureContextOptions = {
    ca: await read('ca'),
    cert: await read('cert'),
    key: await read('certKey'),
    minVersion: 'TLSv1.2',
  };
  try {
    createSecureContext(identity);
  } catch (cause) {
    throw new KvError('CONFIG_INVALID', `${files.cert} and ${files.certKey} are no certificate and its key`, { cause });
  }
  return identity;
}

/** The names in the certificate of whoever is connected: its common name and DNS names. */
export function namesOf(socket: TLSSocket): readonly string[] {
  const { subject, subjectaltname = '' } = socket.getPeerCertificate();
  const common = subject?.CN;
  const names = subjectaltname
    .split(', ')
    .flatMap((name) => (name.startsWith('DNS:') ? [name.slice(4)] : name.startsWith('IP Address:') ? [name.slice(11)] : []));
  return [...(typeof common === 'string' ? [common] : []), ...names];
}
