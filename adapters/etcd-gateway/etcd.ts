import { KvError } from '../../ports/index.js';
import { EtcdRefusal } from './faults.js';
import { type CallOptions, Gateway, type GatewayOptions } from './gateway.js';
import { type Compare, encodeCompare, encodeOperation, type KeyValue, keyValue, type Operation } from './messages.js';
import { decodeCount, decodeId, encodeText, fieldsOf } from './wire.js';

/** How a transaction ended. */
export interface TxnOutcome {
  /** All comparisons held, so that `success` was done; else `failure` was. */
  readonly succeeded: boolean;
  /** The revision that a change by this transaction has made; the newest one, when it has changed nothing. */
  readonly revision: number;
  /** What each `get` of the branch that was done has found, in their order. */
  readonly found: readonly (KeyValue | null)[];
}

/** One transaction: all of `success` at once, if all comparisons hold at that moment; else all of `failure`. */
export interface Txn {
  readonly compare: readonly Compare[];
  readonly success: readonly Operation[];
  readonly failure: readonly Operation[];
}

/** Within which time a request must be answered, ms. */
export type Within = Pick<CallOptions, 'withinMs'>;

/** gRPC's "not found". */
const NOT_FOUND = 5;

/**
 * What is asked of etcd: linearizable reads, transactions, leases. Each throws what `Gateway.call` throws, but `EtcdRefusal`, which
 * becomes `IO_ERROR` with etcd's words.
 */
export class Etcd {
  private constructor(private readonly gateway: Gateway) {}

  /** Reads addresses and certificates; asks nobody yet. Throws `CONFIG_INVALID`. */
  static async open(options: GatewayOptions): Promise<Etcd> {
    return new Etcd(await Gateway.open(options));
  }

  /** What a key holds now, by the word of a quorum; null when there is none. */
  async get(key: string, within: Within = {}): Promise<KeyValue | null> {
    const answer = await this.ask('/v3/kv/range', { key: encodeText(key) }, { ...within, repeatable: true });
    return keyValue(answer['kvs']);
  }

  /** Does a transaction. `repeatable`: it may be taken twice without harm, so it is tried at another endpoint whatever happened at the first. */
  async txn({ compare, success, failure }: Txn, options: CallOptions): Promise<TxnOutcome> {
    const body = {
      compare: compare.map(encodeCompare),
      success: success.map(encodeOperation),
      failure: failure.map(encodeOperation),
    };
    const answer = await this.ask('/v3/kv/txn', body, options);
    const responses = Array.isArray(answer['responses']) ? (answer['responses'] as unknown[]).map(fieldsOf) : [];
    const gets = responses.filter((response) => 'response_range' in response);
    return {
      succeeded: answer['succeeded'] === true,
      revision: decodeCount(fieldsOf(answer['header'])['revision'], 'revision'),
      found: gets.map((response) => keyValue(fieldsOf(response['response_range'])['kvs'])),
    };
  }

  /** Begins a lease that ends by itself after `seconds` without a keep-alive, or later, as etcd has granted it. */
  async grant(seconds: number, within: Within = {}): Promise<{ readonly id: string; readonly seconds: number }> {
    // One that was granted to nobody's knowledge ends by itself.
    const answer = await this.ask('/v3/lease/grant', { TTL: String(seconds) }, { ...within, repeatable: true });
    const granted = { id: decodeId(answer['ID']), seconds: decodeCount(answer['TTL'], 'time to live') };
    if (granted.id !== '0' && granted.seconds > 0) return granted;
    throw new KvError('IO_ERROR', 'etcd gave no lease', { hint: 'look at the log of etcd' });
  }

  /** Lets a lease begin anew; gives its seconds from when etcd got this, 0 when it has ended. */
  async keepAlive(lease: string, within: Within = {}): Promise<number> {
    const answer = await this.ask('/v3/lease/keepalive', { ID: lease }, { ...within, repeatable: true });
    return decodeCount(fieldsOf(answer['result'])['TTL'], 'time to live');
  }

  /** Ends a lease, and removes the keys that were put under it. One that has ended is none to end. */
  async revoke(lease: string, within: Within = {}): Promise<void> {
    await this.ask('/v3/lease/revoke', { ID: lease }, { ...within, repeatable: true }, NOT_FOUND);
  }

  /** Closes the connections. Idempotent. */
  close(): void {
    this.gateway.close();
  }

  private async ask(
    path: string,
    body: unknown,
    options: CallOptions,
    fine?: number,
  ): Promise<Readonly<Record<string, unknown>>> {
    try {
      return fieldsOf(await this.gateway.call(path, body, options));
    } catch (error) {
      if (!(error instanceof EtcdRefusal)) throw error;
      if (error.status === fine) return {};
      throw new KvError('IO_ERROR', `etcd refuses: ${error.words}`, { cause: error, hint: 'look at the log of etcd' });
    }
  }
}
