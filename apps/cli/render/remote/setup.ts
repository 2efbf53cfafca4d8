import type { StatusReport } from '../../../../domain/admin/status.js';
import { isAboutHostKey, type PinnedServer, type SetupReport } from '../../../../domain/client/remote/setup.js';
import type { NamedHostKey } from '../../../../domain/ledger/host-keys.js';
import type { PinnedHostKey } from '../../../../ports/clone/admin-client.js';
import { shownUrl } from '../../../../ports/grammar/network/shown-url.js';
import { scalarText } from './status.js';

/** What `remote setup` configured and whom it reached, for people. */
export function setupText({
  remote,
  pushUrl,
  source,
  previousPushUrl,
  fetchRefspecs,
  newRefspecs,
  pinned,
  servers,
  published,
  stargate,
}: SetupReport): string {
  const lines = [
    `${previousPushUrl === pushUrl ? 'Unchanged:' : 'Configured'} ${remote}.pushurl → ${shownUrl(pushUrl)} (from ${source ?? '--url'})`,
    ...(previousPushUrl !== null && previousPushUrl !== pushUrl ? [`  it was ${shownUrl(previousPushUrl)}`] : []),
    `Left ${remote}.url alone: reads go to the mirror as before`,
    ...(newRefspecs.length === 0
      ? [`Unchanged: ${remote}.fetch brings the namespaces along`]
      : [`Set ${remote}.fetch to bring the namespaces along:`, ...fetchRefspecs.map((spec) => `  ${spec}`)]),
  ];
  if (pinned !== null) lines.push(...pinnedLines(pinned));
  if (pinned !== null && published.length > 0 && !published.some(({ fingerprint }) => fingerprint === pinned.fingerprint))
    lines.push(`warning: the policy that ${remote} has names other host keys of the Stargate: ${names(published)}`);
  for (const server of servers) lines.push(...serverLines(server));
  if (stargate.reached) lines.push(`The Stargate answers: ${summary(stargate.status)}`);
  return `${lines.join('\n')}\n`;
}

/** Another server of the cluster: it is no fault that it can't be reached, since it is not the one that is pushed to. */
function serverLines({ url, pinned, error }: PinnedServer): string[] {
  if (pinned !== null) return pinnedLines(pinned);
  return [
    `warning: ssh does not know ${shownUrl(url)} by that host key yet, and a write could not go there: ${error?.message ?? ''}`,
  ];
}

function pinnedLines({ fingerprint, type, host, file, replaced, known }: PinnedHostKey): string[] {
  const where = `${host} in ${file}`;
  if (known) return [`Unchanged: ssh knows ${fingerprint} (${type}) for ${where}`];
  const others = replaced === 0 ? '' : `, in the place of ${replaced} other${replaced === 1 ? '' : 's'}`;
  return [`Noted host key ${fingerprint} (${type}) for ${where}${others}`];
}

/** What the mirror's copy of the policy says of the host keys, as a clause of a hint; empty when it says nothing, or they aren't what is wrong. */
export function publishedNames({ published, remote, stargate }: SetupReport): string {
  return published.length === 0 || stargate.reached || !isAboutHostKey(stargate.error)
    ? ''
    : `the policy that ${remote} has names ${names(published)}; `;
}

const names = (keys: readonly NamedHostKey[]): string =>
  keys.map(({ fingerprint, type }) => `${fingerprint} (${scalarText(type)})`).join(', ');

/** The status in a line. */
function summary({ leader, namespaces, mirror }: StatusReport): string {
  const names = namespaces.map(({ ns }) => scalarText(ns)).join(', ');
  return `${leader ? 'it leads' : 'it stands by'}, namespaces ${names || 'none'}, ${mirror.backlog} waiting for the mirror`;
}

/** What `remote setup` configured and whom it reached, as `--json` shows it: URLs without their secrets. */
export function setupDocument({
  remote,
  pushUrl,
  source,
  previousPushUrl,
  fetchRefspecs,
  pinned,
  servers,
  published,
  stargate,
}: SetupReport): object {
  return {
    ok: true,
    remote,
    push_url: shownUrl(pushUrl),
    source: source ?? '--url',
    previous_push_url: previousPushUrl === null ? null : shownUrl(previousPushUrl),
    fetch_refspecs: fetchRefspecs,
    ...(pinned === null ? {} : { host_key: pinned }),
    ...(servers.length === 0
      ? {}
      : {
          servers: servers.map(({ url, pinned: key, error }) => ({
            push_url: shownUrl(url),
            host_key: key,
            error: error?.message ?? null,
          })),
        }),
    ...(published.length === 0 ? {} : { published_host_keys: published }),
    stargate: stargate.reached ? { reached: true, status: stargate.status } : { reached: false },
  };
}
