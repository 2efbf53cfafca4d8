# fish completion for git-kv, also as `git kv`.
function __git_kv_complete
    set -l words
    set -l inside no
    for token in (commandline -opc)
        if test $inside = yes
            set -a words $token
        else if contains -- (string replace -r '.*/' '' -- $token) kv git-kv
            set inside yes
        end
    end
    set -l current (commandline -ct)
    set -l lines (git-kv __complete $words "$current" 2>/dev/null)
    if test "$lines[1]" = @files
        __fish_complete_path $current
    else
        printf '%s\n' $lines
    end
end

complete -c git-kv -f -a '(__git_kv_complete)'
complete -c git -f -n '__fish_seen_subcommand_from kv' -a '(__git_kv_complete)'
complete -c git -f -n 'not __fish_seen_subcommand_from kv; and test (count (commandline -opc)) -eq 1' -a kv -d 'keep state that can be audited'
