import { createHash, timingSafeEqual } from 'node:crypto';
import { stat } from 'node:fs/promises';
import type { FastifyRequest } from 'fastify';
import { readRegularFile } from '../../../plugins/host/index.js';
import { KvError } from '../../../ports/error.js';
import type { Authenticate } from '../../http/authenticate.js';
import { isLoopback } from '../root/creation/settings.js';

/** What a token of the API is for: `create` repositories and all below it, or `read` them. */
export type ApiRole = 'create' | 'read';

interface Token {
  readonly role: ApiRole;
  /** A hash: all are as long as each other, whatever is guessed. */
  readonly digest: Buffer;
}

/** Who may use the API. */
export interface ApiAccess {
  /** What a request may do; null for nothing. */
  roleOf(request: FastifyRequest): ApiRole | null;
}

const LINE = /^(create|read) +([\x21-\x7e]{24,512})\s*$/;
const MOST_BYTES = 64 * 1024;
const ROLES: Readonly<Record<ApiRole, readonly ApiRole[]>> = { create: ['create', 'read'], read: ['read'] };

/**
 * By the tokens of a file: a line each, `create TOKEN` or `read TOKEN`, of 24 characters at least. Throws `CONFIG_INVALID` where it can't be read, others
 * may read it, or it has no token.
 */
export async function accessByTokens(file: string): Promise<ApiAccess> {
  const wrong = (what: string, hint = 'write a line: create, a space, and 32 random characters'): KvError =>
    new KvError('CONFIG_INVALID', `${file} ${what}`, { hint });
  const found = await stat(file).catch((cause: NodeJS.ErrnoException) => {
    throw wrong(`cannot be read (${cause.code ?? cause.message})`);
  });
  if ((found.mode & 0o077) !== 0) throw wrong('may be read by others than its owner', `chmod 600 ${file}`);
  const lines = (await readRegularFile(file, MOST_BYTES)).toString('utf8').split('\n');
  const tokens: Token[] = [];
  for (const [at, line] of lines.entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [, role, token] = LINE.exec(line) ?? [];
    if (role === undefined || token === undefined) throw wrong(`line ${at + 1} is no token`);
    tokens.push({ role: role as ApiRole, digest: digestOf(token) });
  }
  if (tokens.length === 0) throw wrong('has no token');
  return {
    roleOf(request) {
      const given = tokenOf(request.headers.authorization);
      if (given === null) return null;
      const digest = digestOf(given);
      // All are compared: how long it takes tells nothing of the list.
      return tokens.reduce<ApiRole | null>((role, token) => (timingSafeEqual(token.digest, digest) ? token.role : role), null);
    },
  };
}

/**
 * Whoever asks from this host, by this host's own name: no page that a browser shows under another name, and nobody for whom a proxy of this host asks.
 */
export const LOOPBACK_ONLY: ApiAccess = {
  roleOf({ ip, headers }) {
    const host = (headers.host ?? '').replace(/:\d+$/, '');
    const passedOn = ['origin', 'forwarded', 'via', 'x-forwarded-for', 'x-real-ip'].some((name) => headers[name] !== undefined);
    return isLoopback(ip) && isLoopback(host) && !passedOn ? 'create' : null;
  },
};

/** Asks a mount's callers who they are; `needs` says what for a request. */
export function apiAuthentication(access: ApiAccess, needs: (request: FastifyRequest) => ApiRole): Authenticate {
  return {
    challenge: 'Basic realm="git-kv", Bearer realm="git-kv"',
    async identify(request) {
      const role = access.roleOf(request);
      const needed = needs(request);
      if (role === null) return null;
      if (!ROLES[role].includes(needed))
        throw new KvError('POLICY_VIOLATION', `this token is for reading, and creating a repository needs one for that`, {
          hint: 'ask whoever runs the server for a token of the role create',
        });
      return { name: role };
    },
  };
}

/** `Bearer TOKEN`, or the password of `Basic`, as git sends it. */
function tokenOf(header: string | undefined): string | null {
  const [, bearer] = /^bearer +(\S+)$/i.exec(header ?? '') ?? [];
  if (bearer !== undefined) return bearer;
  const [, basic] = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header ?? '') ?? [];
  if (basic === undefined) return null;
  const text = Buffer.from(basic, 'base64').toString('utf8');
  return text.includes(':') ? text.slice(text.indexOf(':') + 1) : null;
}

const digestOf = (token: string): Buffer => createHash('sha256').update(token).digest();
