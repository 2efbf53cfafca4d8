import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyRequest,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { Accounts } from '../../../domain/access/accounts.js';
import type { Right } from '../../../domain/access/rights.js';
import type { Clock } from '../../../ports/clock.js';
import type { Hasher } from '../../../ports/hasher.js';
import type { AuditLog } from '../auth/audit.js';
import type { Automation } from '../automation/automation.js';
import type { Holder, Logins } from '../auth/logins.js';
import type { Passwords } from '../auth/passwords.js';
import type { Traces } from '../observed/tracing.js';
import type { Ledger } from '../ledger/open-ledger.js';
import type { Folders } from '../pool/folders.js';
import type { Pool } from '../pool/pool.js';
import type { ApiSettings } from '../settings.js';
import type { ApiLog } from './log.js';
import type { Streams } from './streams.js';

/**
 * Whom a route is for: anybody, whoever is logged in, those and whom the server lets in without a login, or who has a right (in the
 * repository of its path, where it has one).
 */
export type Access = 'anyone' | 'known' | 'known-or-anonymous' | Right;

/** Where it depends on the request. */
export type AccessOf = (request: Pick<FastifyRequest, 'query'>) => Access;

declare module 'fastify' {
  interface FastifyContextConfig {
    readonly access?: Access | AccessOf;
    /** How a client is asked to say who it is, where that is not by a token. */
    readonly challenge?: 'Basic';
  }
  interface FastifyRequest {
    /** Who asks; null where nobody is known. */
    holder: Holder | null;
  }
}

/** What all routes work with. */
export interface ApiContext {
  readonly settings: ApiSettings;
  readonly pool: Pool;
  readonly automation: Automation;
  /** Null where this server serves none. */
  readonly ledger: Ledger | null;
  readonly accounts: Accounts;
  readonly passwords: Passwords;
  readonly logins: Logins;
  readonly audit: AuditLog;
  readonly log: ApiLog;
  readonly traces: Traces;
  /** Event streams that are being written. */
  readonly streams: Streams;
  readonly clock: Clock;
  readonly hasher: Hasher;
  readonly folders: Folders;
  readonly version: string;
  readonly startedAt: number;
}

/** An instance whose handlers get their types from the schemas of their routes. */
export type ApiApp = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** The user who asks; only behind `access: 'known'` and rights, where nobody unknown comes. */
export function holderOf({ holder }: Pick<FastifyRequest, 'holder'>): Holder {
  if (holder === null) throw new Error('a route for known users was reached by nobody');
  return holder;
}
