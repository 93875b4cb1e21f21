# jira in fish. In ~/.config/fish/config.fish:  jira completion fish | source
function __jira_complete
    set -l words (commandline -opc)
    set -e words[1]
    set -l current (string replace -ra '[\\\\\'"]' '' -- (commandline -ct))
    set -l lines (command jira __complete (count $words) $words "$current" 2>/dev/null)
    if test "$lines" = :files
        __fish_complete_path (commandline -ct)
        return
    end
    if test (count $lines) -gt 0
        printf '%s\n' $lines
    end
end
complete -c jira -f -a '(__jira_complete)'
