const INIT = `  git-kv-stargate init --repo P --mirror-remote URL --admin KEY.pub
      [--writer KEY.pub ...] [--reader KEY.pub ...] [--ns main ...]
      [--hash sha1|sha256] [--push-url ssh://...] [--host-keys DIR]
      [--initial-branch NAME | --no-initial-branch] [--profile embedded] [--join]
    Makes the bare repository P: configuration, hooks, host keys, policy, mirror remote.
    Takes over what the mirror has. Run again with the same options, it changes nothing.
    Without --writer, the admins are the writers. --push-url is where developers will reach this
    Stargate; a mirror on another machine needs it, since their clones learn it from there.
    --host-keys takes SSH host keys over from a folder, such as a backup's, so that clients notice
    nothing. --join makes an empty one for a server that joins a cluster, which needs no --admin:
    the other servers bring what it holds. A mirror without a branch gets one, with a README: the one that its HEAD names, or
    main. A profile whose mirror is a plugin's needs no --mirror-remote.
`;

const SERVE = `  git-kv-stargate [serve] --repo P [--profile embedded]
      [--listen-ssh 127.0.0.1:2222] [--listen-http 127.0.0.1:9419]
      [--policy-path P/.kv/policy.yaml] [--mirror-remote github-origin]
      [--sample-size 32] [--plugin MODULE ...] [--set PORT.KEY=VALUE ...]
    Serves. Port 0 takes a free one; the ports are printed and written to
    P/.stargate/endpoints.json. SIGTERM finishes the push at hand; SIGHUP reads policy and host keys
    again. A policy file that is wrong leaves the one in force that was published last.
    Logs are NDJSON on standard error.
    What no flag says, the environment says (GIT_KV_LISTEN_SSH, GIT_KV_JOURNAL__PATH), then the
    repository's configuration (git config stargate.listenSsh, stargate.journal.path), then the
    profile. --set changes one value of one adapter. profile show tells what holds, and why.

  git-kv-stargate serve --root DIR [--max-open 32] [as serve takes them for one]
      [--api] [--api-token-file FILE] [--server-id NAME] [--peer http://HOST:PORT ...]
      [--listen-peers HOST:PORT] [--peer-key-file FILE | --peer-ca F --peer-cert F --peer-cert-key F]
      [--trusted NETWORK ...]
    Serves all repositories below DIR, each in OWNER/NAME.git with its own policy, lease, journal and
    mirror; they are opened when they are asked for, --max-open of them at a time. DIR/.stargate has
    the host keys, DIR/.kv/policy.yaml is what new ones begin with.
    --api: the replication API and git fetch over HTTP, for programs on this host; for others with a
    token of FILE. --peer: the other servers, on all of which a repository is created, and what is
    pushed to it replicated. So it is too by a --profile that names the servers of a cluster.
`;

const CHECK = `  git-kv-stargate check --repo P [--profile embedded] [--policy-path FILE]
      [--mirror-remote github-origin] [--plugin MODULE ...] [--set PORT.KEY=VALUE ...]
      [--listen-ssh HOST:PORT] [--json]
    Looks at all that a start needs, changes nothing, and may run beside a Stargate that serves.
    Exits 0 when nothing is wrong, warnings or not; else with the status of the first fault.
`;

const PROFILE = `  git-kv-stargate profile show --repo P [the flags of serve] [--json]
    Every value that serve would have with these flags, here and now, and where it comes from: a
    flag, the environment, the repository's configuration, a line of a profile, or the default.
    Shows no secrets, opens and changes nothing.
`;

const REPO = `  git-kv-stargate repo create OWNER/NAME --root DIR --admin KEY.pub
      [--writer KEY.pub ...] [--reader KEY.pub ...] [--ns main ...] [--hash sha1|sha256]
      [--mirror-remote URL] [--push-url ssh://...] [--profile P]
    Makes a repository below DIR, while a Stargate serves DIR or not. Without --mirror-remote it has
    no mirror: its readers read from the Stargate. With a profile that names the servers of a
    cluster, it is made on all of them; without --admin, with the policy of the root's template.

  git-kv-stargate repo list --root DIR
    The repositories below DIR, a line each.

  git-kv-stargate repo remove OWNER/NAME --root DIR --yes [--profile P]
    Moves it aside, to DIR/.stargate/removed. Refused while a Stargate has it open. With a profile
    that names the servers of a cluster, all of them do.
`;

const HOST_KEY = `  git-kv-stargate host-key show --repo P
    The fingerprints of the SSH host keys, as git kv remote setup --fingerprint takes them.

  git-kv-stargate host-key rotate --repo P [--grace 30d] [--now]
    Makes new host keys. Clients go on to be shown the old ones until the grace is over, and OpenSSH
    notes the new ones meanwhile. --now: the new ones are shown at once, also those of a rotation
    that is under way; a --grace that ends sooner brings it forward. Of keys that are lost it makes
    new ones, which are in use at once.
`;

const BACKUP = `  git-kv-stargate backup --repo P --to DIR [--with-host-key] [--policy-path FILE]
      [--profile P] [--plugin MODULE ...]
    Writes DIR, whole or not at all, also while the Stargate serves: a bundle of all refs that was
    read back, journal, policy, settings, bundles of compacted epochs. --with-host-key: the private
    host keys too. --profile: what serve is started with, when its journal is another than the
    usual file; says so when that can't be read.
`;

const RESTORE = `  git-kv-stargate restore --from DIR --repo P [--host-keys DIR] [--dry-run]
    Makes P from a backup, says what of it was checked, and what the mirror has beyond it. A fault
    is named and told by the exit code, and stops nothing. --host-keys: a folder with host
    keys that were kept apart, which go before the backup's own. Without any, new ones are made.

  git-kv-stargate restore --from-mirror URL --repo P [--hash sha1|sha256] [--policy FILE]
      [--host-keys DIR]
    Makes P from what the mirror has, verified; without --policy, with the policy published there.
`;

const CLUSTER = `  git-kv-stargate cluster status --repo P [--profile P] [--json]
  git-kv-stargate cluster add SERVER [URL] --repo P [--profile P]
  git-kv-stargate cluster remove SERVER --repo P [--profile P]
  git-kv-stargate cluster transfer-leadership SERVER --repo P [--profile P]
  git-kv-stargate cluster ... --root DIR [--repo-id OWNER/NAME] [--profile P]
    Asks the servers that the profile names, this one first; the leader changes what is to be
    changed. A server that is added comes level first. status: who leads, and where all stand.
    --root: of all repositories below DIR, or of one; one server leads all of them. Without --profile,
    the servers that were started with --peer.
`;

const JOURNAL = `  git-kv-stargate journal migrate --to sqlite|file --repo P [--profile embedded] [--plugin MODULE ...]
    Moves all that the journal has from journal-file to journal-sqlite, or back, while no Stargate
    runs. Ended at any moment, nothing is lost, and it can be run again. Then name the other journal in
    the profile: a start with the wrong one is refused.
`;

/** What there is to say of each verb. */
const VERBS: Readonly<Record<string, string>> = {
  ...{ init: INIT, serve: SERVE, check: CHECK, profile: PROFILE, repo: REPO, 'host-key': HOST_KEY, journal: JOURNAL },
  cluster: CLUSTER,
  ...{ backup: BACKUP, restore: RESTORE },
};

const GENERAL = `  git-kv-stargate help VERB

  --help, --version

Exit: 0 ok, else as docs/ERRORS.md has it for the error: 2 a name that is taken, 5 IO or Git, 6 not
found, 8 what does not belong together, 11 the mirror's refs do not verify, 64 usage, 78 configuration.
`;

/** The verbs that there are. */
export const VERB_NAMES: readonly string[] = Object.keys(VERBS);

/** What `git-kv-stargate --help` prints. */
export const HELP = [
  'git-kv-stargate: the gateway that accepts, checks and mirrors git-kv writes\n',
  ...Object.values(VERBS),
  GENERAL,
].join('\n');

/** What is said of one verb; undefined when there is none of that name. */
export function helpOf(verb: string): string | undefined {
  return Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined;
}
