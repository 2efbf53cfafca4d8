import type { SetupReport } from '../../../domain/client/setup.js';
import { statusText } from './status.js';

export function setupText({ remote, pushUrl, source, previousPushUrl, fetchRefspecs, stargate }: SetupReport): string {
  const lines = [
    `Configured ${remote}.pushurl → ${pushUrl} (from ${source})`,
    ...(previousPushUrl !== null && previousPushUrl !== pushUrl ? [`  it was ${previousPushUrl}`] : []),
    `Left ${remote}.url alone: reads go to the mirror as before`,
    `Set ${remote}.fetch to bring the namespaces along:`,
    ...fetchRefspecs.map((spec) => `  ${spec}`),
  ];
  const answer = stargate.reached ? `The Stargate answers:\n${statusText(stargate.status).replace(/^(?=.)/gm, '  ')}` : '';
  return `${lines.join('\n')}\n${answer}`;
}

export function setupDocument({ remote, pushUrl, source, previousPushUrl, fetchRefspecs, stargate }: SetupReport): object {
  return {
    ok: true,
    remote,
    push_url: pushUrl,
    source,
    previous_push_url: previousPushUrl,
    fetch_refspecs: fetchRefspecs,
    stargate: stargate.reached ? { reached: true, status: stargate.status } : { reached: false },
  };
}
