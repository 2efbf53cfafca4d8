/** A value of an attribute, as OTLP's JSON has it. */
export interface OtlpValue {
  readonly stringValue?: string;
  readonly intValue?: string | number;
  readonly doubleValue?: number;
  readonly arrayValue?: { readonly values?: readonly OtlpValue[] };
}

/** An attribute. */
export interface OtlpAttribute {
  readonly key: string;
  readonly value: OtlpValue;
}

/** What is posted to a collector, as far as anybody here looks. */
export interface OtlpRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes?: readonly OtlpAttribute[] };
    readonly scopeSpans: readonly {
      readonly spans: readonly {
        readonly traceId: string;
        readonly spanId: string;
        readonly parentSpanId?: string;
        readonly name: string;
        readonly kind: number;
        readonly startTimeUnixNano: string;
        readonly endTimeUnixNano: string;
        readonly attributes?: readonly OtlpAttribute[];
        readonly status?: { readonly code?: number };
      }[];
    }[];
  }[];
}

interface Field {
  readonly number: number;
  readonly bytes: Buffer;
  readonly value: bigint;
}

/** The fields of a protobuf message. */
function fieldsOf(message: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at++] ?? 0;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const fixed = (bytes: 4 | 8): bigint => {
    at += bytes;
    return bytes === 8 ? message.readBigUInt64LE(at - 8) : BigInt(message.readUInt32LE(at - 4));
  };
  while (at < message.length) {
    const tag = Number(varint());
    const number = tag >> 3;
    const none = Buffer.alloc(0);
    if ((tag & 7) === 0) fields.push({ number, bytes: none, value: varint() });
    else if ((tag & 7) === 1) fields.push({ number, bytes: none, value: fixed(8) });
    else if ((tag & 7) === 5) fields.push({ number, bytes: none, value: fixed(4) });
    else {
      const length = Number(varint());
      fields.push({ number, bytes: message.subarray(at, at + length), value: 0n });
      at += length;
    }
  }
  return fields;
}

const all = <T>(message: Buffer, number: number, read: (bytes: Buffer) => T): T[] =>
  fieldsOf(message)
    .filter((field) => field.number === number)
    .map(({ bytes }) => read(bytes));

/** An ExportTraceServiceRequest of opentelemetry/proto/collector/trace/v1. */
export function decodeTraces(body: Buffer): OtlpRequest {
  return {
    resourceSpans: all(body, 1, (resourceSpans) => ({
      resource: { attributes: all(resourceSpans, 1, (resource) => all(resource, 1, attribute)).flat() },
      scopeSpans: all(resourceSpans, 2, (scopeSpans) => ({ spans: all(scopeSpans, 2, span) })),
    })),
  };
}

function span(message: Buffer): OtlpRequest['resourceSpans'][number]['scopeSpans'][number]['spans'][number] {
  const fields = new Map(fieldsOf(message).map((field) => [field.number, field]));
  const hex = (number: number): string => fields.get(number)?.bytes.toString('hex') ?? '';
  const code = all(message, 15, (status) => Number(fieldsOf(status).find(({ number }) => number === 3)?.value ?? 0))[0] ?? 0;
  return {
    ...{ traceId: hex(1), spanId: hex(2), parentSpanId: hex(4), name: fields.get(5)?.bytes.toString('utf8') ?? '' },
    kind: Number(fields.get(6)?.value ?? 0),
    startTimeUnixNano: String(fields.get(7)?.value ?? 0),
    endTimeUnixNano: String(fields.get(8)?.value ?? 0),
    ...{ attributes: all(message, 9, attribute), status: { code } },
  };
}

function attribute(message: Buffer): OtlpAttribute {
  const [key = ''] = all(message, 1, (bytes) => bytes.toString('utf8'));
  const [value = {}] = all(message, 2, anyValue);
  return { key, value };
}

function anyValue(message: Buffer): OtlpValue {
  const [field] = fieldsOf(message);
  if (field?.number === 1) return { stringValue: field.bytes.toString('utf8') };
  if (field?.number === 5) return { arrayValue: { values: all(field.bytes, 1, anyValue) } };
  return { intValue: String(field?.value ?? 0) };
}
