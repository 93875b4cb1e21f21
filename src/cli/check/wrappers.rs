//! Programs that run what is written behind them, and where that begins.

/// A program that runs what follows it.
struct Wrapper {
    name: &'static str,
    /// The number of words of its own before the command: a user, a file, a duration.
    own: usize,
    /// Its flags with a value in the next word.
    values: &'static str,
}

const fn wrapper(name: &'static str, own: usize, values: &'static str) -> Wrapper {
    Wrapper { name, own, values }
}

const WRAPPERS: [Wrapper; 38] = [
    wrapper("sudo", 0, "-u -g -C -h -p -r -t -U --user --group"),
    wrapper("doas", 0, "-u -C"),
    wrapper("env", 0, "-u -C --unset --chdir"),
    wrapper("cross-env", 0, ""),
    wrapper("cross-env-shell", 0, ""),
    wrapper("exec", 0, "-a"),
    wrapper("command", 0, ""),
    wrapper("builtin", 0, ""),
    wrapper("eval", 0, ""),
    wrapper("shell", 0, ""),
    wrapper("time", 0, "-o -f"),
    wrapper("timeout", 1, "-k -s"),
    wrapper("nice", 0, "-n"),
    wrapper("ionice", 0, "-c -n"),
    wrapper("nohup", 0, ""),
    wrapper("setsid", 0, ""),
    wrapper("stdbuf", 0, "-i -o -e"),
    wrapper("unbuffer", 0, ""),
    wrapper("chronic", 0, ""),
    wrapper("strace", 0, "-o -e -s"),
    wrapper("watch", 0, "-n"),
    wrapper("xargs", 0, "-I -L -P -n -s -a -d -E"),
    wrapper("parallel", 0, "-j -a -S --jobs"),
    wrapper("retry", 1, "-t -d -n -m -s --times --delay"),
    wrapper("npx", 0, "-p --package"),
    wrapper("bunx", 0, "-p --package"),
    wrapper("gosu", 1, ""),
    wrapper("su-exec", 1, ""),
    wrapper("setpriv", 0, ""),
    wrapper("chroot", 1, ""),
    wrapper("flock", 1, "-w -E"),
    wrapper("sshpass", 0, "-p -f -d -P"),
    wrapper("dotenv", 1, "-e -f -c -v"),
    wrapper("direnv", 2, ""),
    wrapper("env-cmd", 0, "-f --file -e --environments -r --rc-file"),
    wrapper("dumb-init", 0, "-r"),
    wrapper("tini", 0, "-e -p"),
    wrapper("unshare", 0, ""),
];

const SSH: Wrapper = wrapper("ssh", 1, "-i -p -l -o -J -F -L -R -D -E -b -c -m");
const GO_RUN: Wrapper = wrapper("go", 1, "-tags -ldflags -mod -C -exec");

/// Flags of `docker run` and its like that take no value.
const CONTAINER_SWITCHES: [&str; 14] = [
    "--rm",
    "--init",
    "--privileged",
    "--read-only",
    "--interactive",
    "--tty",
    "--detach",
    "--quiet",
    "--no-healthcheck",
    "--publish-all",
    "--oom-kill-disable",
    "--no-deps",
    "--service-ports",
    "--use-aliases",
];

/// Programs that run an image or in a container.
const CONTAINERS: [&str; 6] = ["docker", "podman", "nerdctl", "docker-compose", "kubectl", "oc"];

/// Programs that take what stands behind `--` for something else than a command.
const NO_RUNNERS: [&str; 8] = ["echo", "printf", "git", "grep", "rg", "set", "rm", "ls"];

/// What a word stands for go-jira with: its name, a path, an image, a variable that was set to that.
pub(super) type IsOurs<'a> = &'a dyn Fn(&str) -> bool;

/// The name of a program, without its directory.
pub(super) fn base(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

/// Where the command begins that the program at `at` runs; none if it runs none.
pub(super) fn wrapped(texts: &[String], at: usize, ours: IsOurs) -> Option<usize> {
    let wrapper = match base(&texts[at]) {
        "ssh" => &SSH,
        "go" if texts.get(at + 1).is_some_and(|verb| verb == "run") => &GO_RUN,
        name => WRAPPERS.iter().find(|wrapper| wrapper.name == name)?,
    };
    Some(behind(wrapper, texts, at + 1, ours))
}

/// The first word behind flags, their values, numbers and the words of the wrapper's own.
fn behind(wrapper: &Wrapper, texts: &[String], mut at: usize, ours: IsOurs) -> usize {
    let mut own = wrapper.own;
    while let Some(word) = texts.get(at) {
        let flag = word.starts_with('-') || word.starts_with(|c: char| c.is_ascii_digit());
        if wrapper.values.split(' ').any(|value| value == word) {
            at += 1;
        } else if own > 0 && !word.starts_with('-') && flag {
            own -= 1;
        } else if !flag {
            // The host and the container may be called so too, but nothing that may be left out.
            if own == 0 || ours(word) && wrapper.name != "ssh" || word.contains('=') {
                break;
            }
            own -= 1;
        }
        at += 1;
    }
    at
}

/// go-jira behind a program that is no wrapper by itself: in a container, in `find -exec`, behind `--`.
pub(super) fn handed(texts: &[String], at: usize, ours: IsOurs) -> Option<usize> {
    let name = base(&texts[at]);
    if CONTAINERS.contains(&name) {
        return in_container(texts, at, ours);
    }
    let marks: &[&str] = match name {
        "find" => &["-exec", "-execdir", "-ok"],
        _ if NO_RUNNERS.contains(&name) => return None,
        _ => &["--"],
    };
    let mark = (at..texts.len()).find(|mark| marks.contains(&texts[*mark].as_str()))?;
    texts.get(mark + 1).filter(|word| ours(word)).map(|_| mark + 1)
}

/// `docker run … IMAGE …`, `kubectl exec … -- go-jira …`
fn in_container(texts: &[String], at: usize, ours: IsOurs) -> Option<usize> {
    let verb = texts.iter().skip(at).position(|word| word == "run" || word == "exec")? + at;
    let image = image(texts, verb + 1);
    // Behind an image comes what the entrypoint is given.
    let entrypoint = texts[verb..].iter().enumerate().find_map(|(number, word)| match word.as_str() {
        "--entrypoint" => texts.get(verb + number + 1).map(String::as_str),
        word => word.strip_prefix("--entrypoint="),
    });
    if entrypoint.is_some_and(ours) {
        return Some(image).filter(|image| *image < texts.len());
    }
    let is = |at: &usize| ours(&texts[*at]);
    let mut found = (image..texts.len()).find(is)?;
    // The container may have the same name as the program in it.
    while let Some(next) = (found + 1..texts.len()).find(is) {
        let between = &texts[found + 1..next];
        if !between.is_empty() && between != ["--"] {
            break;
        }
        found = next;
    }
    Some(found)
}

/// The first word that is neither a flag nor a flag's value.
fn image(texts: &[String], mut at: usize) -> usize {
    while let Some(flag) = texts.get(at).filter(|word| word.starts_with('-')) {
        let short = !flag.starts_with("--");
        let switches = short && flag.len() > 1 && flag[1..].chars().all(|c| "itdqPT".contains(c));
        // `-e=x` and `-eX` hold their value, and `--` has none.
        let whole = flag.contains('=') || short && flag.len() > 2 || flag == "--";
        let none = switches || whole || CONTAINER_SWITCHES.contains(&flag.as_str());
        at += if none { 1 } else { 2 };
    }
    at
}

/// The word that ends the command which begins at `at`: `\;` of find, `:::` of parallel, PowerShell's brace.
pub(super) fn end(texts: &[String], at: usize) -> usize {
    let ends = |word: &String| matches!(word.as_str(), ";" | ":::" | "::::" | ":::+" | "}");
    let end = texts[at..].iter().position(ends).map_or(texts.len(), |end| at + end);
    // `-exec … {} +`
    match texts[at..end].last() {
        Some(plus) if plus == "+" => end - 1,
        _ => end,
    }
}
