import { type ClientHttp2Session, connect } from 'node:http2';

/** Puts into an etcd as its own clients do it: gRPC over one HTTP/2 connection (etcd's `etcdserverpb.KV/Put`). */
export class EtcdPuts {
  private readonly session: ClientHttp2Session;

  constructor(endpoint: string) {
    this.session = connect(endpoint);
  }

  put(key: string, value: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const stream = this.session.request({
        ...{ ':method': 'POST', ':path': '/etcdserverpb.KV/Put' },
        ...{ 'content-type': 'application/grpc', te: 'trailers' },
      });
      let status = '0';
      stream.on('response', (headers) => (status = String(headers['grpc-status'] ?? '0')));
      stream.on('trailers', (trailers) => (status = String(trailers['grpc-status'] ?? status)));
      stream.on('error', reject);
      stream.on('end', () => (status === '0' ? resolve() : reject(new Error(`etcd: grpc-status ${status}`))));
      stream.resume();
      stream.end(message(Buffer.concat([field(1, key), field(2, value)])));
    });
  }

  close(): void {
    this.session.close();
  }
}

/** A length-prefixed message that is not compressed. */
function message(body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

/** A protobuf field of bytes, shorter than 128. */
const field = (number: number, text: string): Buffer =>
  Buffer.concat([Buffer.from([(number << 3) | 2, Buffer.byteLength(text)]), Buffer.from(text)]);
