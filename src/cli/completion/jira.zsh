#compdef jira
# jira in zsh. In ~/.zshrc, after compinit:  source <(jira completion zsh)
_jira() {
    local line
    local -a given lines offered shown
    given=("${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}")
    lines=("${(@f)$(command jira __complete $((CURRENT - 2)) "${given[@]}" 2>/dev/null)}")
    if [[ ${lines[1]} == :files ]]; then
        [[ $PREFIX == --*=* ]] && compset -P '*='
        _files
        return
    fi
    if [[ $PREFIX == --*=* ]]; then
        compset -P '*='
        lines=("${(@)lines#*=}")
    fi
    for line in "${lines[@]}"; do
        [[ -n $line ]] || continue
        offered+=("${line%%$'\t'*}")
        shown+=("${line/$'\t'/  -- }")
    done
    (( ${#offered} )) || return 1
    compadd -l -M 'm:{[:lower:]}={[:upper:]}' -d shown -a offered
}
if [[ ${funcstack[1]} == _jira ]]; then
    _jira "$@"
else
    compdef _jira jira
fi
