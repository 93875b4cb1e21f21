# jira in elvish. In ~/.config/elvish/rc.elv:  eval (jira completion elvish | slurp)
use str
set edit:completion:arg-completer[jira] = {|@words|
    var given = $words[1..]
    var lines = [(try { e:jira __complete (to-string (- (count $given) 1)) $@given 2>/dev/null | from-lines } catch e { })]
    if (eq $lines [':files']) {
        edit:complete-filename $@words
    } else {
        for line $lines {
            var parts = [(str:split "\t" $line)]
            if (> (count $parts) 1) {
                edit:complex-candidate $parts[0] &display=$parts[0]'  -- '$parts[1]
            } else {
                put $parts[0]
            }
        }
    }
}
