/** What `git-kv-stargate --help` prints. */
export const HELP = `git-kv-stargate: the gateway that accepts, checks and mirrors git-kv writes

  git-kv-stargate init --repo P --mirror-remote URL --admin KEY.pub
      [--writer KEY.pub ...] [--reader KEY.pub ...] [--ns main ...]
      [--hash sha1|sha256] [--push-url ssh://...]
    Makes the bare repository P: configuration, hooks, host key, policy, mirror remote.
    Takes over what the mirror has. Run again with the same options, it changes nothing.
    Without --writer, the admins are the writers. --push-url is where developers will reach this
    Stargate; a mirror on another machine needs it, since their clones learn it from there.

  git-kv-stargate [serve] --repo P [--profile embedded]
      [--listen-ssh 127.0.0.1:2222] [--listen-http 127.0.0.1:9419]
      [--policy-path P/.kv/policy.yaml] [--mirror-remote github-origin]
      [--sample-size 32] [--plugin MODULE ...]
    Serves. Port 0 takes a free one; the ports are printed and written to
    P/.stargate/endpoints.json. SIGTERM finishes the push at hand; SIGHUP reads the policy again.
    Logs are NDJSON on standard error.

  --help, --version

Exit: 0 ok, 5 IO or Git, 11 the mirror's refs do not verify, 64 usage, 78 configuration.
`;
