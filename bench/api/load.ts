import { connect, type Socket } from 'node:net';

/** A request as it goes over the wire. */
export function wire(method: string, path: string, token: string, body?: object): Buffer {
  const text = body === undefined ? '' : JSON.stringify(body);
  const head = [`${method} ${path} HTTP/1.1`, 'Host: 127.0.0.1', `Authorization: Bearer ${token}`];
  if (body !== undefined) head.push('Content-Type: application/json', `Content-Length: ${Buffer.byteLength(text)}`);
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${text}`);
}

/** A connection that is kept, with one request on it at a time: little work a request, so that the server is what is measured. */
export class Connection {
  private waiting: ((answer: { status: number; body: string }) => void) | null = null;
  private text = '';

  private constructor(private readonly socket: Socket) {
    socket.setEncoding('latin1');
    socket.on('data', (piece: string) => this.take(piece));
  }

  static open(port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(new Connection(socket.setNoDelay(true))));
      socket.once('error', reject);
    });
  }

  ask(request: Buffer): Promise<{ status: number; body: string }> {
    return new Promise((resolve) => {
      this.waiting = resolve;
      this.socket.write(request);
    });
  }

  close(): void {
    this.socket.destroy();
  }

  private take(piece: string): void {
    this.text += piece;
    const end = this.text.indexOf('\r\n\r\n');
    if (end < 0) return;
    const at = this.text.toLowerCase().indexOf('content-length:');
    const length = at < 0 || at > end ? 0 : Number.parseInt(this.text.slice(at + 15, end), 10);
    if (this.text.length < end + 4 + length) return;
    const answer = { status: Number(this.text.slice(9, 12)), body: this.text.slice(end + 4, end + 4 + length) };
    this.text = '';
    this.waiting?.(answer);
  }
}

/** What came of a load: times of single requests, in µs, and requests a second. */
export interface Load {
  readonly times: readonly number[];
  readonly perSecond: number;
}

/**
 * Sends requests over so many connections, each waiting for its answer before the next; of two, the second is timed. Throws for a status that is not a success.
 */
export async function load(
  port: number,
  connections: number,
  count: number,
  request: (i: number, connection: number) => Buffer | readonly [before: Buffer, timed: Buffer],
): Promise<Load> {
  const open = await Promise.all(Array.from({ length: connections }, () => Connection.open(port)));
  const times: number[] = [];
  let next = 0;
  const start = performance.now();
  await Promise.all(
    open.map(async (connection, number) => {
      for (let i = next++; i < count; i = next++) {
        const asked = request(i, number);
        const [before, one] = Buffer.isBuffer(asked) ? [null, asked] : asked;
        if (before !== null) await connection.ask(before);
        const at = performance.now();
        const { status, body } = await connection.ask(one);
        times.push((performance.now() - at) * 1000);
        if (status >= 300) throw new Error(`${status}: ${body.slice(0, 300)}`);
      }
    }),
  );
  const perSecond = Math.round(times.length / ((performance.now() - start) / 1000));
  for (const connection of open) connection.close();
  return { times, perSecond };
}
