# jira in bash. In ~/.bashrc:  source <(jira completion bash)
_jira_complete() {
    local words=() joined= glued= word index raw quote= current
    for ((index = 1; index <= COMP_CWORD; index++)); do
        word=${COMP_WORDS[index]}
        # Bash takes --flag=value apart; jira wants it whole.
        if [[ $word == = && ${#words[@]} -gt 0 && ${words[${#words[@]} - 1]} == --* ]]; then
            words[${#words[@]} - 1]+==
            joined=yes glued=yes
        elif [[ -n $glued ]]; then
            words[${#words[@]} - 1]+=$word
            joined=yes glued=
        else
            words+=("$word")
            joined=
        fi
    done
    raw=${COMP_WORDS[COMP_CWORD]}
    case $raw in
        \"* | \'*) quote=${raw:0:1} ;;
    esac
    current=${words[${#words[@]} - 1]//[\"\'\\]/}
    words[${#words[@]} - 1]=$current

    local line value
    COMPREPLY=()
    while IFS= read -r line; do
        if [[ $line == :files ]]; then
            compopt -o default 2>/dev/null
            return
        fi
        value=${line%%$'\t'*}
        # What stands before the = is not replaced.
        if [[ -n $joined && $COMP_WORDBREAKS == *=* ]]; then
            value=${value#*=}
        fi
        # A name comes from Jira, and what it says must stay a word: in an open ' only a ' can end it.
        case $quote in
            "'") value=${value//"'"/"'\\''"} ;;
            '') printf -v value %q "$value" ;;
        esac
        COMPREPLY+=("$value")
    done < <(command jira __complete $((${#words[@]} - 1)) "${words[@]}" 2>/dev/null)
}
complete -F _jira_complete jira
