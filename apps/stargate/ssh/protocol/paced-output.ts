import type { Socket } from 'node:net';
import type { Connection, ServerChannel } from 'ssh2';
import { isExchangingKeys } from './ssh2-protocol.js';

/** Lets a channel's output wait for the client; see `pacedOutput`. */
export type Pace = (channel: ServerChannel) => void;

type Write = (data: Buffer, encoding: BufferEncoding | null, done: (error?: Error | null) => void) => void;

/**
 * Makes the output of a connection's channels wait while `ahead()` bytes or more are unsent. ssh2 hands on to the socket whatever the
 * channel's window has room for, be that four gigabytes, and keeps all of it in memory while keys are exchanged.
 */
export function pacedOutput(client: Connection, socket: Socket, ahead: () => number): Pace {
  let waiting: (() => void)[] = [];
  const hasRoom = (): boolean => !isExchangingKeys(client) && (socket.writableLength < ahead() || socket.destroyed);
  const go = (): void => {
    if (!hasRoom()) return;
    const ready = waiting;
    waiting = [];
    for (const next of ready) whenRoom(next);
  };
  const whenRoom = (next: () => void): void => {
    if (hasRoom()) next();
    else waiting.push(next);
  };
  socket.on('drain', go);
  client.on('rekey', go);
  return (channel) => {
    const paced = channel as unknown as { _write: Write };
    const write = paced._write.bind(channel);
    paced._write = (data, encoding, done) => {
      const size = Math.max(1, ahead());
      const from = (at: number): void =>
        whenRoom(() => {
          if (at + size >= data.length) write(at === 0 ? data : data.subarray(at), encoding, done);
          else write(data.subarray(at, at + size), encoding, () => from(at + size));
        });
      from(0);
    };
  };
}
