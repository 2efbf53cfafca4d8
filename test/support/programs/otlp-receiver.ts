import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { DeliveredSpan } from '../../contracts/tracing.js';
import { decodeTraces, type OtlpAttribute, type OtlpRequest, type OtlpValue } from './otlp-protobuf.js';

const KINDS = { 1: 'internal', 2: 'server', 3: 'client' } as const;
const FAILED = 2;

/** A collector on loopback: it keeps the spans that are posted to it, in either of OTLP's two forms. */
export class OtlpReceiver {
  readonly spans: DeliveredSpan[] = [];
  /** The services that they are said to be of. */
  readonly services = new Set<string>();
  /** Each body as it came. */
  readonly bodies: Buffer[] = [];

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(): Promise<OtlpReceiver> {
    let receiver: OtlpReceiver | undefined;
    const server = createServer((request, response) => {
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => pieces.push(piece));
      request.on('end', () => {
        if (request.url === '/v1/traces') receiver?.take(Buffer.concat(pieces), request.headers['content-type'] ?? '');
        response.writeHead(request.url === '/v1/traces' ? 200 : 404, { 'content-type': 'application/json' }).end('{}');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    receiver = new OtlpReceiver(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    return receiver;
  }

  /** Those of one trace. */
  trace(traceId: string): DeliveredSpan[] {
    return this.spans.filter((span) => span.traceId === traceId);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private take(body: Buffer, type: string): void {
    this.bodies.push(body);
    const request = type.includes('json') ? (JSON.parse(body.toString('utf8')) as OtlpRequest) : decodeTraces(body);
    for (const { resource, scopeSpans } of request.resourceSpans) {
      this.services.add(String(plain(resource.attributes)['service.name']));
      for (const { spans } of scopeSpans) {
        for (const span of spans) {
          const { traceId, spanId, parentSpanId, name, kind, startTimeUnixNano, endTimeUnixNano, attributes, status } = span;
          this.spans.push({
            ...{ traceId, spanId, name, parentId: parentSpanId || null, kind: KINDS[kind as 1 | 2 | 3] },
            ...{ startedAt: Number(startTimeUnixNano) / 1e6, endedAt: Number(endTimeUnixNano) / 1e6 },
            ...{ attributes: plain(attributes), failed: status?.code === FAILED },
          });
        }
      }
    }
  }
}

const plain = (attributes: readonly OtlpAttribute[] = []): Record<string, string | number | string[]> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, plainValue(value)]));

function plainValue({ stringValue, intValue, doubleValue, arrayValue }: OtlpValue): string | number | string[] {
  if (arrayValue !== undefined) return (arrayValue.values ?? []).map((one) => String(plainValue(one)));
  return stringValue ?? Number(intValue ?? doubleValue);
}
