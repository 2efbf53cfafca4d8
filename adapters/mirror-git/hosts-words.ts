/** What a Git host's words say of a push. Collected from git itself, GitHub, GitLab, Gitea, Bitbucket, Azure DevOps, gitolite and proxies. */

/** "atomic push failed" is what git says of the refs that were fine. */
export const INNOCENT = /^(atomic push failed|atomic push failure|atomic transaction failed|transaction aborted)/;

/** Refs that are not where they should be: git saw it here, or the host when it took the lock. */
export const MOVED = new RegExp(
  [
    'non-fast-forward|stale info|fetch first|already exists|needs force|remote ref updated',
    'failed to (update|lock|delete) ref|cannot lock ref|incorrect old value|fail(ed|ure).*lock',
  ].join('|'),
);

/** The host takes no move that is not a fast-forward, wherever the ref is: a rule of its own, and nobody's write. */
export const NO_REWIND = /^(?:remote: )?.*(?:denying non-fast-forward|force[- ]push|FATAL: \+ refs\/)/im;

/** No verdict on the ref: the connection or the host broke down. */
export const BROKEN_OFF = new RegExp(
  [
    'remote failed to report status|unpacker error|unpack failed|remote failure',
    'internal (server )?error|failed to write|unable to migrate objects|unable to create temporary',
  ].join('|'),
  'i',
);

/**
 * What the host, or a proxy before it, has read or been told the size of, and does not take: another push may fit. By status these are
 * the answers to the push itself (`RPC failed`), since one that refuses the pusher is given before, to the list of refs
 * (`unable to access`). 401 and 403 are no size: but a filter in front of a host says 403 to what it has read.
 */
export const CONTENT = new RegExp(
  [
    'pack exceeds maximum allowed size|unpack failed: (?:index-pack|unpack-objects) abnormal exit',
    'RPC failed; (?:HTTP |result=22, HTTP code = )(?:400|403|406|409|41[0-7]|422|431|507)\\b',
    'GH001|exceeds? .{0,60}(?:file )?size limit|exceeding the (?:file )?size limit|(?:over|exceeded) (?:the|its) size limit',
    '(?:entity|content|payload) too large|larger than .{0,40}(?:maximum|allowed|limit)|TF402462|size is greater than',
    'will increase this repository size|quota exceeded|exceeds? .{0,40}quota',
  ].join('|'),
  'i',
);

/** The host asks for patience. */
export const TOO_FAST = /\b(error:?|HTTP|status|code)\s*(?:= )?429\b|rate limit|too many requests/i;
