import { type ClientHttp2Session, connect } from 'node:http2';

/** Gets from an etcd as its own clients do it: gRPC over one HTTP/2 connection (etcd's `etcdserverpb.KV`). */
export class EtcdGets {
  private readonly session: ClientHttp2Session;

  constructor(url: string) {
    this.session = connect(url);
  }

  /** The value of a key. `serializable`: from what this member has; else it is made sure that it is the newest. */
  async get(key: string, serializable: boolean): Promise<Uint8Array> {
    const request = Buffer.concat([field(1, Buffer.from(key)), ...(serializable ? [Buffer.from([0x38, 1])] : [])]);
    const kv = fieldOf(await this.call('Range', request), 2); // RangeResponse.kvs
    const value = kv === null ? null : fieldOf(kv, 5); // KeyValue.value
    if (value === null) throw new Error(`etcd has no ${key}`);
    return value;
  }

  /** Puts many keys in one transaction. */
  async put(entries: readonly (readonly [string, string])[]): Promise<void> {
    const puts = entries.map(([key, value]) => {
      const put = Buffer.concat([field(1, Buffer.from(key)), field(2, Buffer.from(value))]);
      return field(2, field(2, put)); // TxnRequest.success, RequestOp.request_put
    });
    await this.call('Txn', Buffer.concat(puts));
  }

  close(): void {
    this.session.close();
  }

  private call(method: string, message: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const stream = this.session.request({
        ...{ ':method': 'POST', ':path': `/etcdserverpb.KV/${method}` },
        ...{ 'content-type': 'application/grpc', te: 'trailers' },
      });
      const parts: Buffer[] = [];
      let status: unknown;
      stream.on('trailers', (trailers) => {
        status = trailers['grpc-status'];
      });
      stream.on('data', (part: Buffer) => parts.push(part));
      stream.on('error', reject);
      stream.on('end', () => {
        if (status === '0')
          resolve(Buffer.concat(parts).subarray(5)); // a flag and a length stand before the message
        else reject(new Error(`etcd: grpc-status ${String(status)}`));
      });
      const head = Buffer.alloc(5);
      head.writeUInt32BE(message.length, 1);
      stream.end(Buffer.concat([head, message]));
    });
  }
}

/** A field of bytes in a message of protocol buffers. */
function field(number: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...varint(bytes.length)]), bytes]);
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}

/** The first field of bytes with a number; null when there is none. */
function fieldOf(message: Uint8Array, number: number): Uint8Array | null {
  let at = 0;
  const read = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = message[at++] as number;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = read();
    if ((tag & 7) !== 2) {
      read();
      continue;
    }
    const length = read();
    const bytes = message.subarray(at, at + length);
    if (tag >>> 3 === number) return bytes;
    at += length;
  }
  return null;
}
