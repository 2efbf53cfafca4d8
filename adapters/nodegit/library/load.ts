import { KvError } from '../../../ports/error.js';
import type { Nodegit } from './binding.js';

/** The package's name. No literal: it is no dependency, and where it is missing nothing else may fail. */
const PACKAGE: string = 'nodegit';

/** The version that this adapter was written for, and that its contract was run with. */
export const NODEGIT_VERSION = '0.28.0-alpha.36';

const HOW =
  'build it with `npm run with-nodegit` in a clone of git-kv, or ' +
  `\`npm install nodegit@${NODEGIT_VERSION}\` where git-kv is installed (with -g if git-kv is); ` +
  'it takes a C++ compiler, python3 and the headers of OpenSSL and Kerberos; or name git-cli as git-store';

let loaded: Promise<Nodegit> | null = null;

/**
 * Loads nodegit, once, and switches libgit2's fsync on for this process. `importing` is a test's way to a nodegit that fails. Throws
 * `CONFIG_INVALID`, with how to install it, when it is missing or was built for another Node.
 */
export async function loadNodegit(importing?: () => Promise<unknown>): Promise<Nodegit> {
  if (importing !== undefined) return load(importing);
  loaded ??= load(() => import(PACKAGE));
  try {
    return await loaded;
  } catch (error) {
    loaded = null; // it may be installed meanwhile
    throw error;
  }
}

async function load(importing: () => Promise<unknown>): Promise<Nodegit> {
  let module: { readonly default?: Nodegit };
  try {
    module = (await importing()) as { readonly default?: Nodegit }; // the package's own export; looked at below
  } catch (cause) {
    throw cannotLoad(cause);
  }
  const library = module.default;
  if (library?.Libgit2?.OPT?.ENABLE_FSYNC_GITDIR === undefined || library.Transaction === undefined) {
    throw new KvError('CONFIG_INVALID', `the nodegit that is installed is not version ${NODEGIT_VERSION}`, { hint: HOW });
  }
  library.Libgit2.opts(library.Libgit2.OPT.ENABLE_FSYNC_GITDIR, 1);
  keepQuietOfBuffer();
  return library;
}

function cannotLoad(cause: unknown): KvError {
  const { code, message } = cause as { readonly code?: unknown; readonly message?: unknown };
  const said = String(message ?? cause).split('\n', 1)[0] ?? '';
  // Node says the one or the other, by how much of the module it could make sense of.
  if (/NODE_MODULE_VERSION|Module did not self-register/.test(String(message))) {
    const what = `nodegit was built for another Node than this one (${process.version})`;
    return new KvError('CONFIG_INVALID', what, { cause, hint: `with this Node, ${HOW}` });
  }
  const missing = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
  // A nodegit whose build has failed is there without its native module.
  const unbuilt = missing && /nodegit\.node/.test(String(message));
  if (missing && !unbuilt) {
    return new KvError('CONFIG_INVALID', "the git-store 'nodegit' needs the package nodegit, which is not installed", {
      cause,
      hint: HOW,
    });
  }
  const what = unbuilt ? 'nodegit is installed, and was never built' : `nodegit cannot be loaded: ${said}`;
  return new KvError('CONFIG_INVALID', what, { cause, hint: HOW });
}

/**
 * nodegit copies an object's bytes with `new Buffer`, of which Node warns once a process, on the terminal of somebody who can do
 * nothing about it. So it is warned of now, while nobody listens. The length is always that of the object that is copied there.
 */
function keepQuietOfBuffer(): void {
  const before = process.noDeprecation;
  process.noDeprecation = true;
  Reflect.construct(Buffer, [0]);
  process.noDeprecation = before ?? false;
}
