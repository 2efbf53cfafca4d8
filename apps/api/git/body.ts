import type { IncomingMessage } from 'node:http';
import { createGunzip } from 'node:zlib';
import { ApiError } from '../problems/errors.js';

/** The bytes of a request, unpacked where its client has packed them. Throws `INVALID_REQUEST` for what can't be unpacked. */
export async function* unpacked(request: IncomingMessage): AsyncGenerator<Uint8Array> {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity') {
    yield* request;
    return;
  }
  if (encoding !== 'gzip' && encoding !== 'x-gzip')
    throw new ApiError(415, 'UNSUPPORTED_MEDIA_TYPE', 'a body is plain, or packed by gzip');
  const gunzip = createGunzip();
  request.on('error', (error) => gunzip.destroy(error));
  request.once('close', () => {
    if (!request.complete) gunzip.destroy(new Error('the client has gone'));
  });
  request.pipe(gunzip);
  try {
    yield* gunzip;
  } catch (error) {
    if (!String((error as NodeJS.ErrnoException).code).startsWith('Z_')) throw error; // the client has gone
    throw new ApiError(400, 'INVALID_REQUEST', 'the body cannot be unpacked');
  }
}

/** A body that is to be small, whole. Throws `BODY_TOO_LARGE`. */
export async function small(bytes: AsyncIterable<Uint8Array>, most: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of bytes) {
    length += piece.length;
    if (length > most) throw new ApiError(413, 'BODY_TOO_LARGE', `the request has more than ${most} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces, length);
}
