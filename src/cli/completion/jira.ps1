# jira in PowerShell. In $PROFILE:  jira completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName jira -ScriptBlock {
    param($current, $ast, $cursor)
    $words = @($ast.CommandElements | Select-Object -Skip 1 |
        Where-Object { $_.Extent.StartOffset -lt $cursor } |
        ForEach-Object { $_.Extent.Text.Trim([char[]]"`"'") })
    # An empty word would not arrive as an argument; its place says that it is there.
    $at = if ($current -eq '') { $words.Count } else { $words.Count - 1 }
    foreach ($line in @(& jira __complete $at @words 2>$null)) {
        if ($line -eq ':files') { return }
        $value, $help = $line -split "`t", 2
        if (-not $help) { $help = $value }
        $typed = $value
        if ($value -notmatch '^[\w./=-]+$') { $typed = "'" + $value.Replace("'", "''") + "'" }
        [System.Management.Automation.CompletionResult]::new($typed, $value, 'ParameterValue', $help)
    }
}
