import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Got {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** For a receiver that says nothing. */
export const SILENT = 0;

/** A receiver of webhooks, which answers with the statuses that it is given, and then with 204. */
export async function receiver(
  statuses: number[] = [],
): Promise<{ url: string; got: Got[]; server: Server; close(): Promise<void> }> {
  const got: Got[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      got.push({ headers: request.headers, body });
      const status = statuses.shift() ?? 204;
      if (status === SILENT) return;
      response.writeHead(status, status === 302 ? { Location: '/elsewhere' } : {}).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    ...{ url: `http://127.0.0.1:${port}/hook`, got, server },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
