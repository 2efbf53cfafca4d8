import { decodeUtf8 } from '../../../git/bytes.js';
import { DEFAULT_CTYPE } from '../../../ledger/value/metadata.js';

const TEXT_CTYPE = 'text/plain; charset=utf-8';

const BY_EXTENSION: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  csv: 'text/csv; charset=utf-8',
  gif: 'image/gif',
  gz: 'application/gzip',
  html: 'text/html; charset=utf-8',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json',
  jsonl: 'application/jsonl',
  md: 'text/markdown; charset=utf-8',
  pdf: 'application/pdf',
  pem: 'application/x-pem-file',
  png: 'image/png',
  svg: 'image/svg+xml',
  toml: 'application/toml',
  txt: TEXT_CTYPE,
  wasm: 'application/wasm',
  webp: 'image/webp',
  xml: 'application/xml',
  yaml: 'application/yaml',
  yml: 'application/yaml',
  zip: 'application/zip',
};

/** The content type of a file by its name's extension. */
export function typeOfFile(name: string): string {
  const extension = /\.([A-Za-z0-9]+)$/.exec(name)?.[1]?.toLowerCase() ?? '';
  return Object.hasOwn(BY_EXTENSION, extension) ? (BY_EXTENSION[extension] as string) : DEFAULT_CTYPE;
}

/** The content type of text that was written on a command line or in a batch: JSON when it is an object or an array. */
export function typeOfText(text: string): string {
  if (!/^\s*[[{]/.test(text)) return TEXT_CTYPE;
  try {
    JSON.parse(text);
    return 'application/json';
  } catch {
    return TEXT_CTYPE; // the text only looks like JSON
  }
}

/** The content type of bytes of which nothing else is known. */
export function typeOfBytes(bytes: Uint8Array): string {
  const text = decodeUtf8(bytes);
  return text === undefined || text.includes('\u0000') ? DEFAULT_CTYPE : typeOfText(text);
}
