import { KvError } from '../../../ports/error.js';
import type { GitBounds, GitService, ServiceRequest } from '../../../ports/git/git-service.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Limits } from '../../../ports/stargate/limits.js';
import type { GitServiceName } from './command.js';
import { clientOf, type ExecSession, feed, refuse, type ServeExec } from '../exec-session.js';
import { settledRefs } from './settled-refs.js';

/** What bounds a read, and how it is spoken. */
export type ReadBounds = Pick<Limits, 'readTimeout' | 'readSilence'> &
  Pick<ServiceRequest, 'stateless'> & { readonly bounds: GitBounds };

/** Serves a fetch or an archive: relays between the client and git; the refs of namespaces as of one moment. */
export function serveRead(
  service: Exclude<GitServiceName, 'git-receive-pack'>,
  services: GitService,
  store: GitStore,
  { readTimeout, readSilence, bounds, stateless }: ReadBounds,
): ServeExec {
  return async (session: ExecSession): Promise<number> => {
    const verb = service === 'git-upload-pack' ? 'upload-pack' : 'upload-archive';
    const plain = { client: clientOf(session), asks: () => undefined, finish: async () => undefined };
    const { client, asks, finish } = verb === 'upload-pack' && stateless === undefined ? settledRefs(plain.client, store) : plain;
    const moved = (): void => void silence.refresh();
    const { input, ended, stop } = services.read(
      verb,
      { gitProtocol: session.gitProtocol, bounds, ...(stateless === undefined ? {} : { stateless }) },
      {
        ...client,
        output(bytes) {
          moved();
          const taken = client.output(bytes);
          void taken?.then(moved);
          return taken;
        },
      },
    );
    const fail = (error: KvError): void => {
      refuse(session, error);
      stop();
    };
    const tooLong = setTimeout(
      () => fail(new KvError('IO_ERROR', `the ${verb} took longer than ${readTimeout / 1000} s`)),
      readTimeout,
    );
    const silence = setTimeout(
      () => fail(new KvError('IO_ERROR', `nothing has moved on the ${verb} for ${readSilence / 1000} s`)),
      readSilence,
    );
    const leave = (): void => {
      const { reason } = session.gone;
      if (KvError.is(reason)) fail(reason);
      else stop();
    };
    session.gone.addEventListener('abort', leave);
    if (session.gone.aborted) leave();
    feed(session, input, (bytes) => {
      moved();
      asks(bytes);
      return true;
    });
    try {
      const status = await ended;
      if (!session.gone.aborted) await finish();
      return status;
    } finally {
      clearTimeout(tooLong);
      clearTimeout(silence);
      session.gone.removeEventListener('abort', leave);
    }
  };
}
