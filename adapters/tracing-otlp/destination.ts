/** Where spans are sent, and as whose. */
export interface Destination {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** The longest wait for an answer, milliseconds. */
  readonly timeoutMs: number;
  readonly service: string;
}

/** A collector that doesn't answer must not be waited for at the end of a command. Milliseconds. */
const USUAL_TIMEOUT_MS = 2000;
const MOST_TIMEOUT_MS = 10_000;

/**
 * Where spans go, as OpenTelemetry's environment variables have it; `base` is an address that counts more. Null: nowhere, as where what
 * is given is no address that can be spoken to over HTTP.
 */
export function destinationOf(env: Readonly<Record<string, string | undefined>>, base: string | undefined): Destination | null {
  const of = (name: string): string | undefined => env[`OTEL_EXPORTER_OTLP_TRACES_${name}`] ?? env[`OTEL_EXPORTER_OTLP_${name}`];
  if (env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true') return null;
  const url =
    httpUrl(base, 'v1/traces') ??
    httpUrl(env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'], null) ??
    httpUrl(env['OTEL_EXPORTER_OTLP_ENDPOINT'], 'v1/traces');
  if (url === null) return null;
  const timeout = Number(of('TIMEOUT') ?? USUAL_TIMEOUT_MS);
  return {
    ...{ url, headers: headersIn(of('HEADERS') ?? ''), service: env['OTEL_SERVICE_NAME'] ?? 'git-kv' },
    timeoutMs: timeout > 0 && timeout <= MOST_TIMEOUT_MS ? timeout : USUAL_TIMEOUT_MS,
  };
}

/** An address, with a path put behind it; null where it is none. */
function httpUrl(text: string | undefined, path: string | null): URL | null {
  if (text === undefined || !/^https?:\/\//.test(text) || !URL.canParse(text)) return null;
  const url = new URL(text);
  if (path !== null) url.pathname = `${url.pathname.replace(/\/$/, '')}/${path}`;
  return url;
}

/** `name=value,name=value`, values percent-encoded; what can't be a header is left out. */
function headersIn(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const pair of text.split(',')) {
    const [, name, value] = /^\s*([A-Za-z0-9!#$%&'*+.^_`|~-]+)\s*=\s*([\x20-\x7e]*?)\s*$/.exec(pair) ?? [];
    if (name === undefined || value === undefined) continue;
    try {
      const decoded = decodeURIComponent(value);
      if (/^[\x20-\x7e]*$/.test(decoded)) found[name] = decoded;
    } catch {
      // a percent sign that encodes nothing: left out, as the SDK leaves it out
    }
  }
  return found;
}
