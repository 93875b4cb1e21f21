#!/bin/sh
# Runs a static binary where there is nothing else: an empty root with the CA bundle and resolv.conf, read-only but for
# a /tmp, as a user without a name. So it is in the container image, and so it must start on any Linux.
#
#   sudo tests/ci/empty_root.sh path/to/jira [https://host/path]
#
# With an address it is asked for over https: any answer with a status will do, for what is tried is the name
# service and the roots.
set -eu

binary=$1 url=${2-}
# By its path, for nothing of this environment goes inside.
chroot=$(command -v chroot)
root=$(mktemp -d)
trap 'umount "$root/tmp" "$root" 2>/dev/null || true; rm -rf "$root"' EXIT
mount -t tmpfs -o mode=755 tmpfs "$root"
install -D -m 755 "$binary" "$root/usr/local/bin/jira"
install -D -m 644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
install -D -m 644 /etc/resolv.conf "$root/etc/resolv.conf"
mkdir "$root/tmp"
mount -o remount,ro "$root"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"

# As the image does: its user, and a HOME that cannot be written.
inside() { env -i HOME=/home/jira "$chroot" --userspec=65532:65532 "$root" /usr/local/bin/jira "$@"; }

inside version
inside sandbox demo >/dev/null
echo "sandbox demo: ok"
if [ -n "$url" ]; then
  code=0
  answer=$(env -i HOME=/home/jira JIRA_TOKEN=none "$chroot" --userspec=65532:65532 "$root" \
    /usr/local/bin/jira whoami --base-url "$url" 2>&1) || code=$?
  # What went wrong before there was an answer: no name, no connection, no trust.
  case $answer in
    *'"code":"dns"'* | *'"code":"connect"'* | *'"code":"tls_untrusted"'* | *'"code":"timeout"'*)
      echo "no https to $url (exit $code): $answer" >&2
      exit 1
      ;;
  esac
  echo "https to $url: ok (exit $code)"
fi
