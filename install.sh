#!/bin/sh
# Installs one version of jira, and only after checking that it is what was released.
#
#   sh install.sh [--version X.Y.Z] [--from URL] [--sha256 HEX] [--require-attestation] [--repository OWNER/NAME]
#
# Puts `jira` into $JIRA_INSTALL_DIR, or ~/.local/bin. Linux and macOS, x86-64 and arm64. Asks nothing, needs no
# root, writes nowhere else. Whatever it cannot verify it refuses, and then nothing is installed or replaced.
# Needs curl (or GNU wget), tar, gzip, and one of sha256sum, shasum and openssl.

# Where releases are published, such as https://github.com/OWNER/NAME. While it is empty, --from is required.
REPOSITORY=""

# The version this script came with. A test compares it with Cargo.toml.
VERSION="0.1.0"

usage() {
  cat <<'END'
Usage: sh install.sh [OPTIONS]

  --version X.Y.Z          the version to install; by default the one this script came with
  --from URL               where v<version>/<archive> and v<version>/SHA256SUMS lie: https://, or file:// or
                           http:// on this machine
  --sha256 HEX             the archive's SHA-256, from a place that you trust; checked besides SHA256SUMS
  --require-attestation    refuse an archive whose build provenance `gh` cannot verify
  --repository OWNER/NAME  the GitHub repository whose workflow has to have built the archive
  -h, --help               this text

JIRA_INSTALL_DIR is the directory to install into, by default ~/.local/bin.
END
}

# Everything runs from here, on the last line: of a download that was cut off nothing runs at all.
main() {
  set -eu
  umask 022
  version=$VERSION from='' sha256='' attestation=no slug=''
  while [ $# -gt 0 ]; do
    case $1 in
      --version | --from | --sha256 | --repository)
        [ $# -ge 2 ] || usage_error "$1 needs a value"
        case $1 in
          --version) version=${2#v} ;;
          --from) from=$2 ;;
          --sha256) sha256=$2 ;;
          --repository) slug=$2 ;;
        esac
        shift 2
        ;;
      --require-attestation) attestation=required; shift ;;
      -h | --help) usage; exit 0 ;;
      *) usage_error "unknown option: $1" ;;
    esac
  done
  check_words
  platform=$(platform)
  directory=${JIRA_INSTALL_DIR:-${HOME:?is not set, and neither is JIRA_INSTALL_DIR}/.local/bin}
  [ ! -d "$directory/jira" ] || refuse "$directory/jira is a directory"
  # Before anything is fetched: without one of them there is nothing to do.
  have sha256sum || have shasum || have openssl ||
    refuse "there is no sha256sum, shasum or openssl to check the archive with"
  have tar || refuse "there is no tar"

  work='' new=''
  trap 'rm -rf ${work:+"$work"} ${new:+"$new"}' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  work=$(mktemp -d)

  name="jira-$version-$platform"
  fetch "$from/v$version/SHA256SUMS" "$work/SHA256SUMS"
  fetch "$from/v$version/$name.tar.gz" "$work/$name.tar.gz"
  verify_sum "$name.tar.gz"
  verify_provenance "$work/$name.tar.gz"
  look_inside "$work/$name.tar.gz" "$name"

  mkdir -p "$directory"
  # In the same directory, so that the last step is one rename: there is the old program or the new one.
  new=$(mktemp "$directory/.jira.XXXXXX")
  tar -xzOf "$work/$name.tar.gz" "$name/jira" >"$new" || refuse "$name.tar.gz cannot be read"
  # What is no plain file in the archive (a link) comes out as nothing.
  [ -s "$new" ] || refuse "$name/jira in the archive is no file"
  chmod 755 "$new"
  says=$("$new" version 2>/dev/null </dev/null) || refuse "the program in the archive does not start here"
  case $says in
    "jira version $version" | "jira version $version"[!0-9A-Za-z.+-]*) ;;
    *) refuse "the program in the archive is not version $version" ;;
  esac
  mv -f "$new" "$directory/jira"
  new=''
  echo "installed jira $version: $directory/jira" >&2
  case ":${PATH-}:" in
    *":$directory:"*) ;;
    *) echo "note: $directory is not in PATH" >&2 ;;
  esac
}

# Words that become part of an address or of a file's name are of a few harmless characters.
check_words() {
  case $version in
    '' | *[!0-9A-Za-z.-]* | [!0-9]* | *..*) usage_error "--version is a version, such as $VERSION" ;;
  esac
  case $slug in
    '') ;;
    *[!0-9A-Za-z._/-]* | /* | */ | */*/* | *..*) usage_error "--repository is OWNER/NAME" ;;
    */*) ;;
    *) usage_error "--repository is OWNER/NAME" ;;
  esac
  if [ -n "$sha256" ]; then
    is_sum "$sha256" || usage_error "--sha256 is 64 hexadecimal digits, in lower case"
  fi
  if [ -z "$from" ]; then
    [ -n "$REPOSITORY" ] || usage_error "--from is required: this script does not know where releases are published"
    from=$REPOSITORY/releases/download
  fi
  from=${from%/}
  case $from in
    # An @ would put what looks like the host in front of the host.
    *[!0-9A-Za-z.:/_~%+-]*) usage_error "--from has a character that no address of ours has" ;;
    https://?* | file:///*) ;;
    http://*) is_loopback "$from" || usage_error "--from over plain http is for this machine alone; use https" ;;
    *) usage_error "--from begins with https://, or with file:/// or http:// on this machine" ;;
  esac
  case ${slug:+set}$REPOSITORY in
    https://github.com/*) slug=${REPOSITORY#https://github.com/} ;;
  esac
  case ${slug:+set}$from in
    https://github.com/*/releases/download) slug=${from#https://github.com/} slug=${slug%/releases/download} ;;
  esac
}

is_loopback() {
  host=${1#http://}
  host=${host%%/*}
  port=${host#*:}
  [ "$port" != "$host" ] || port=80
  case $port in '' | *[!0-9]*) return 1 ;; esac
  case ${host%%:*} in localhost | 127.0.0.1) return 0 ;; *) return 1 ;; esac
}

platform() {
  case $(uname -s) in
    Linux) system=linux ;;
    Darwin) system=macos ;;
    *) refuse "there is no archive for $(uname -s) that this script could install; see the release page" ;;
  esac
  case $(uname -m) in
    x86_64 | amd64) echo "$system-x86_64" ;;
    aarch64 | arm64) echo "$system-arm64" ;;
    *) refuse "there is no archive for $(uname -m)" ;;
  esac
}

# Over https to the end, redirects included; nothing but the file's content ends up in the file.
fetch() {
  case $1 in
    file://*) cp -- "${1#file://}" "$2" || refuse "$1 cannot be read"; return ;;
  esac
  if have curl; then
    case $1 in
      https://*)
        set -- "$@" --proto '=https' --proto-redir '=https' --tlsv1.2 --location --max-redirs 5 --retry 2 ;;
      # No redirect, which could lead anywhere, and no proxy, which is not this machine.
      *) set -- "$@" --proto '=http' --noproxy '*' ;;
    esac
    url=$1 file=$2
    shift 2
    # -q: no .curlrc, which could switch the checks off.
    curl -q "$@" --fail --silent --show-error --connect-timeout 30 --max-filesize 200000000 \
      --output "$file" "$url" || refuse "$url cannot be fetched"
  elif have wget; then
    fetch_with_wget "$1" "$2"
  else
    refuse "there is neither curl nor wget"
  fi
}

fetch_with_wget() {
  # The wget of busybox does not check certificates.
  case $(wget --version 2>/dev/null || true) in
    'GNU Wget'*) ;;
    *) refuse "this wget does not check certificates; install curl" ;;
  esac
  case $1 in
    # It cannot be told to stay on https when it is redirected. So plain http is sent to a proxy that is not there.
    https://*)
      http_proxy=http://127.0.0.1:9 no_proxy='' \
        wget --no-config --quiet --secure-protocol=TLSv1_2 --max-redirect=5 --tries=3 --timeout=60 \
        --output-document="$2" "$1" || refuse "$1 cannot be fetched"
      ;;
    *)
      wget --no-config --no-proxy --quiet --max-redirect=0 --tries=1 --timeout=60 \
        --output-document="$2" "$1" || refuse "$1 cannot be fetched"
      ;;
  esac
}

# The sum of the archive is in SHA256SUMS, once, and it is the archive's.
verify_sum() {
  expected=''
  while read -r sum file rest || [ -n "$sum" ]; do
    file=${file#\*}
    [ "$file" = "$1" ] || continue
    if [ -n "$rest" ] || ! is_sum "$sum"; then
      refuse "the line of $1 in SHA256SUMS is no checksum"
    fi
    [ -z "$expected" ] || refuse "SHA256SUMS names $1 twice"
    expected=$sum
  done <"$work/SHA256SUMS"
  [ -n "$expected" ] || refuse "SHA256SUMS has no checksum of $1"
  actual=$(sum_of "$work/$1") || actual=''
  is_sum "$actual" || refuse "the checksum of $1 cannot be computed"
  [ "$actual" = "$expected" ] || refuse "$1 is not what SHA256SUMS says: its SHA-256 is $actual, not $expected"
  [ -z "$sha256" ] || [ "$actual" = "$sha256" ] ||
    refuse "$1 is not what --sha256 says: its SHA-256 is $actual"
}

sum_of() {
  if have sha256sum; then
    line=$(sha256sum <"$1")
  elif have shasum; then
    line=$(shasum -a 256 <"$1")
  else
    line=$(openssl dgst -sha256 -r <"$1")
  fi
  echo "${line%% *}"
}

is_sum() {
  case $1 in *[!0-9a-f]*) return 1 ;; esac
  [ ${#1} = 64 ]
}

# SHA256SUMS lies beside the archive: who can replace one can replace both. The provenance is signed by the
# workflow that built the archive.
verify_provenance() {
  why=''
  if [ -z "$slug" ]; then
    why='no GitHub repository is known (--repository OWNER/NAME)'
  elif ! have gh; then
    why='there is no gh'
  elif ! gh attestation verify --help >/dev/null 2>&1; then
    why='this gh is too old for attestations'
  elif ! gh auth token --hostname github.com >/dev/null 2>&1; then
    why='gh is not logged in'
  fi
  if [ -z "$why" ]; then
    gh attestation verify "$1" --repo "$slug" --signer-workflow "$slug/.github/workflows/release.yml" >&2 </dev/null ||
      refuse "gh does not find that the release workflow of $slug built this archive"
  elif [ "$attestation" = required ]; then
    refuse "the build provenance cannot be verified: $why"
  else
    echo "note: checksum verified, build provenance not: $why" >&2
  fi
}

# The archive is not unpacked, only one file is read out of it. One that would write elsewhere is refused all the
# same: it is not what the release workflow makes.
look_inside() {
  tar -tzf "$1" >"$work/members" 2>/dev/null || refuse "$2.tar.gz is damaged"
  programs=0
  while IFS= read -r member; do
    case $member in
      /* | ../* | */../* | */..) refuse "$2.tar.gz has a path that leads out of it" ;;
      "$2/jira") programs=$((programs + 1)) ;;
      "$2"/*) ;;
      *) refuse "$2.tar.gz has something beside $2/" ;;
    esac
  done <"$work/members"
  [ "$programs" = 1 ] || refuse "$2.tar.gz does not have one $2/jira"
}

have() { command -v "$1" >/dev/null 2>&1; }

refuse() {
  printf 'install.sh: %s. Nothing was installed.\n' "$1" >&2
  exit 1
}

usage_error() {
  printf 'install.sh: %s\n' "$1" >&2
  usage >&2
  exit 2
}

{ main "$@"; }
