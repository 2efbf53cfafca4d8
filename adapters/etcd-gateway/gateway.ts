import type { SecureContext } from 'node:tls';
import { KvError } from '../../ports/index.js';
import { Endpoint, type EtcdAnswer, Silence } from './endpoint.js';
import { errorOfFaults, type Fault, faultOfAnswer, faultOfCall, faultOfSilence } from './faults.js';
import { type IdentityFiles, readIdentity } from './identity.js';
import { type LoginFiles, readLogin } from './login.js';

/** Which etcd is asked, and for how long. */
export interface GatewayOptions extends IdentityFiles, LoginFiles {
  /** Client addresses of the members of one etcd cluster. */
  readonly endpoints: readonly string[];
  /** How long one endpoint may take for an answer before the next is asked, ms. */
  readonly timeoutMs: number;
}

/** How one request is made. */
export interface CallOptions {
  /** How long all endpoints together may take, ms, of which each gets a share; `timeoutMs` each when absent. */
  readonly withinMs?: number;
  /**
   * Nothing is spoilt when the request is taken twice: so it is made again where it may have been taken already. Otherwise another
   * endpoint is asked only while it surely was not.
   */
  readonly repeatable: boolean;
}

/**
 * etcd's JSON gateway: requests of the v3 API as JSON over HTTP, to whichever endpoint answers. The one that answered last is asked
 * first. A request throws `IO_ERROR` when none answers (`details.uncertain`: something may have come of it all the same),
 * `CONFIG_INVALID` when etcd's or this side's certificate is refused or no etcd is there, `STORAGE_FULL` when etcd's quota is used up,
 * `EtcdRefusal` for what etcd itself refuses.
 */
export class Gateway {
  private closed = false;

  private identity: SecureContext | undefined;
  /** What etcd has given for this side's name and password; undefined before the first login, or without a user. */
  private token: string | undefined;
  /** The endpoint that is asked first: the one that has answered last, or the one after one that hasn't. */
  private preferred = 0;

  private constructor(
    private readonly options: GatewayOptions,
    private readonly endpoints: readonly Endpoint[],
  ) {}

  /** Reads the addresses and the files; asks nobody yet. Throws `CONFIG_INVALID`. */
  static async open(options: GatewayOptions): Promise<Gateway> {
    if (options.endpoints.length === 0) {
      throw new KvError('CONFIG_INVALID', 'endpoints: there are none', { hint: 'name the client address of an etcd server' });
    }
    const endpoints = options.endpoints.map(Endpoint.parse);
    const gateway = new Gateway(options, endpoints);
    gateway.identity = await gateway.readIdentity();
    await readLogin(options); // what is wrong with it is said now
    return gateway;
  }

  /** Makes a request of the API, such as `/v3/kv/txn`; gives the answer's JSON. */
  async call(path: string, body: unknown, { withinMs = Number.POSITIVE_INFINITY, repeatable }: CallOptions): Promise<unknown> {
    const ends = performance.now() + withinMs;
    const text = JSON.stringify(body);
    const faults: [string, Fault][] = [];
    const count = this.endpoints.length;
    for (let turn = 0, first = this.preferred; turn < count; turn++) {
      if (this.closed) throw new KvError('IO_ERROR', 'the connection to etcd is closed', { hint: 'open another' });
      const at = (first + turn) % count;
      const endpoint = this.endpoints[at] as Endpoint;
      const share = Math.ceil((ends - performance.now()) / (count - turn));
      if (share <= 0) break;
      const answer = await this.known(endpoint, path, text, Math.min(share, this.options.timeoutMs), repeatable);
      if ('json' in answer) {
        this.preferred = at;
        return answer.json;
      }
      const { fault } = answer;
      faults.push([endpoint.name, fault]);
      // Whoever may ask once only, and asks the same again, is not to wait for a dead endpoint each time.
      if (fault.elsewhere && this.preferred === at) this.preferred = (at + 1) % count;
      if (!fault.elsewhere || (!repeatable && !fault.unsent)) break;
    }
    throw errorOfFaults(faults);
  }

  /** Closes all connections. Idempotent. */
  close(): void {
    this.closed = true;
    for (const endpoint of this.endpoints) endpoint.close();
  }

  /** Asks as the configured user: logs in where that was not done yet, and once more when etcd has forgotten it, which took nothing. */
  private async known(
    endpoint: Endpoint,
    path: string,
    body: string,
    limitMs: number,
    repeatable: boolean,
  ): Promise<{ readonly json: unknown } | { readonly fault: Fault }> {
    if (this.options.user === undefined) return this.ask(endpoint, path, body, limitMs, repeatable);
    const ends = performance.now() + limitMs;
    for (let logins = 0; ; logins++) {
      if (this.token === undefined) {
        const failed = await this.logIn(endpoint, ends - performance.now());
        if (failed !== null) return { fault: { ...failed, unsent: true } };
      }
      const answer = await this.ask(endpoint, path, body, Math.max(1, ends - performance.now()), repeatable);
      if (!('fault' in answer) || !/invalid auth token/.test(answer.fault.what) || logins > 0) return answer;
      this.token = undefined;
    }
  }

  private async logIn(endpoint: Endpoint, limitMs: number): Promise<Fault | null> {
    const login = await readLogin(this.options); // a password is changed while a process runs
    const answer = await this.ask(endpoint, '/v3/auth/authenticate', JSON.stringify(login), Math.max(1, limitMs), true);
    if ('fault' in answer) return answer.fault;
    const { token } = (answer.json ?? {}) as { readonly token?: unknown };
    if (typeof token !== 'string' || !/^[\w.\-~+/=:]+$/.test(token)) return faultOfAnswer(200, undefined, '');
    this.token = token;
    return null;
  }

  private async ask(
    endpoint: Endpoint,
    path: string,
    body: string,
    limitMs: number,
    repeatable: boolean,
  ): Promise<{ readonly json: unknown } | { readonly fault: Fault }> {
    let answer: EtcdAnswer;
    try {
      answer = await endpoint.post({ path, body, token: this.token }, limitMs, this.identity, repeatable);
    } catch (error) {
      endpoint.forget(); // whatever else is connected to it may be as dead
      const fault = error instanceof Silence ? faultOfSilence(limitMs) : faultOfCall(error);
      // Certificates are changed while a process runs: the next request is made with those that are there now.
      if (fault.code === 'CONFIG_INVALID') this.identity = await this.readIdentity().catch(() => this.identity); // half-written now
      return { fault };
    }
    const json = parsed(answer.text);
    return answer.status === 200 && json !== undefined ? { json } : { fault: faultOfAnswer(answer.status, json, answer.text) };
  }

  private async readIdentity(): Promise<SecureContext | undefined> {
    return this.endpoints.some(({ secure }) => secure) ? readIdentity(this.options) : undefined;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined; // what it is instead, its status and its text tell
  }
}
