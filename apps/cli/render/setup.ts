import type { SetupReport } from '../../../domain/client/remote/setup.js';
import { scalarText } from './status.js';

export function setupText({
  remote,
  pushUrl,
  source,
  previousPushUrl,
  fetchRefspecs,
  newRefspecs,
  stargate,
}: SetupReport): string {
  const lines = [
    `${previousPushUrl === pushUrl ? 'Unchanged:' : 'Configured'} ${remote}.pushurl → ${pushUrl} (from ${source ?? '--url'})`,
    ...(previousPushUrl !== null && previousPushUrl !== pushUrl ? [`  it was ${previousPushUrl}`] : []),
    `Left ${remote}.url alone: reads go to the mirror as before`,
    ...(newRefspecs.length === 0
      ? [`Unchanged: ${remote}.fetch brings the namespaces along`]
      : [`Set ${remote}.fetch to bring the namespaces along:`, ...fetchRefspecs.map((spec) => `  ${spec}`)]),
  ];
  if (stargate.reached) lines.push(`The Stargate answers: ${summary(stargate.status)}`);
  return `${lines.join('\n')}\n`;
}

/** The status in a line; it may come from a Stargate that is newer than this client, so nothing is taken for granted. */
function summary(status: unknown): string {
  const { leader, namespaces, mirror } = (status ?? {}) as {
    leader?: unknown;
    namespaces?: unknown;
    mirror?: { backlog?: unknown };
  };
  const names = Array.isArray(namespaces) ? namespaces.map((one: { ns?: unknown }) => scalarText(one.ns)).join(', ') : '';
  const role = leader === true ? 'it leads' : 'it stands by';
  return `${role}, namespaces ${names || 'none'}, ${scalarText(mirror?.backlog)} waiting for the mirror`;
}

export function setupDocument({ remote, pushUrl, source, previousPushUrl, fetchRefspecs, stargate }: SetupReport): object {
  return {
    ok: true,
    remote,
    push_url: pushUrl,
    source: source ?? '--url',
    previous_push_url: previousPushUrl,
    fetch_refspecs: fetchRefspecs,
    stargate: stargate.reached ? { reached: true, status: stargate.status } : { reached: false },
  };
}
