import type { StatusReport } from '../../../domain/admin/status.js';
import type { SetupReport } from '../../../domain/client/remote/setup.js';
import { shownUrl } from '../../../ports/grammar/shown-url.js';
import { scalarText } from './status.js';

/** What `remote setup` configured and whom it reached, for people. */
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
    `${previousPushUrl === pushUrl ? 'Unchanged:' : 'Configured'} ${remote}.pushurl → ${shownUrl(pushUrl)} (from ${source ?? '--url'})`,
    ...(previousPushUrl !== null && previousPushUrl !== pushUrl ? [`  it was ${shownUrl(previousPushUrl)}`] : []),
    `Left ${remote}.url alone: reads go to the mirror as before`,
    ...(newRefspecs.length === 0
      ? [`Unchanged: ${remote}.fetch brings the namespaces along`]
      : [`Set ${remote}.fetch to bring the namespaces along:`, ...fetchRefspecs.map((spec) => `  ${spec}`)]),
  ];
  if (stargate.reached) lines.push(`The Stargate answers: ${summary(stargate.status)}`);
  return `${lines.join('\n')}\n`;
}

/** The status in a line. */
function summary({ leader, namespaces, mirror }: StatusReport): string {
  const names = namespaces.map(({ ns }) => scalarText(ns)).join(', ');
  return `${leader ? 'it leads' : 'it stands by'}, namespaces ${names || 'none'}, ${mirror.backlog} waiting for the mirror`;
}

/** What `remote setup` configured and whom it reached, as `--json` shows it: URLs without their secrets. */
export function setupDocument({ remote, pushUrl, source, previousPushUrl, fetchRefspecs, stargate }: SetupReport): object {
  return {
    ok: true,
    remote,
    push_url: shownUrl(pushUrl),
    source: source ?? '--url',
    previous_push_url: previousPushUrl === null ? null : shownUrl(previousPushUrl),
    fetch_refspecs: fetchRefspecs,
    stargate: stargate.reached ? { reached: true, status: stargate.status } : { reached: false },
  };
}
