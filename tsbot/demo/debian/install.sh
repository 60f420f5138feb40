#!/bin/sh
# Install what the demo's wikis need on Debian 12 or 13, what Python needs to make virtual environments, gpg, which reads what the
# demo and the tests encrypt, and npm, which fetches the console's styles. Does nothing where it is there already.
#
#   sh install.sh              install (with sudo unless run as root)
#   sh install.sh --machines   install PostgreSQL and nats-server, too: for the demo on many machines (tsbot demo --many-machines)
#   sh install.sh --tests      install what only tests need, too: Chromium, PostgreSQL, MariaDB, nats-server, promtool
#   sh install.sh --check      only say whether anything is missing (exit status 1)
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

# Debian's Python comes without these two modules. A Python from elsewhere has them.
can_make_venv() {
    ! command -v python3 >/dev/null || python3 -c 'import ensurepip, venv' 2>/dev/null
}

case ${1:-} in
--tests)
    programs="nats-server chromium mariadbd mariadb-install-db promtool"
    packages="chromium mariadb-server nats-server postgresql prometheus"
    ;;
--machines) programs=nats-server packages="nats-server postgresql" ;;
*) programs= packages= ;;
esac

# Debian keeps PostgreSQL's own programs where no PATH leads.
has_servers() {
    [ -n "$programs" ] || return 0
    for name in $programs; do
        command -v $name >/dev/null || [ -x /usr/sbin/$name ] || return 1
    done
    ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1
}

complete() {
    has_servers && command -v npm >/dev/null &&
        can_make_venv && command -v gpg >/dev/null && [ -f /usr/share/mediawiki/maintenance/install.php ] && command -v php >/dev/null && php -r '
        foreach (["curl", "intl", "mbstring", "pdo_sqlite", "sockets", "xml"] as $module) {
            if (!extension_loaded($module)) { exit(1); }
        }'
}

if complete; then
    exit 0
fi
if [ "${1:-}" = --check ]; then
    echo "The demo's wikis need packages that are not installed: sudo sh $here/install.sh" >&2
    exit 1
fi
if ! command -v apt-get >/dev/null; then
    echo "This is no Debian system: install MediaWiki in /usr/share/mediawiki and PHP with SQLite by hand." >&2
    exit 1
fi

as_root=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "Root rights are needed to install packages: run this as root or install sudo." >&2
        exit 1
    fi
    as_root=sudo
fi

# MediaWiki wants some web server to be installed. The demo uses none (PHP serves it), so where there is none the
# smallest is taken that listens on localhost only.
httpd=mini-httpd
if dpkg-query -W -f '${db:Status-Status} ${Package} ${Provides}\n' 2>/dev/null \
    | grep -Eq '^installed (apache2 |.*[ ,]httpd(,| |$))'; then
    httpd=
fi

apt() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qy --no-install-recommends "$@"
}
apt update
can_make_venv || apt install python3-venv
command -v gpg >/dev/null || apt install gnupg
command -v npm >/dev/null || apt install npm
# Demo and tests start servers of their own, on ports of their own; those that Debian starts may be stopped.
if ! has_servers; then
    # shellcheck disable=SC2086 # one word per package is meant
    apt install $packages
fi
# shellcheck disable=SC2046 # one word per package is meant
apt install $(grep -v '^#' "$here/php-packages.txt")
# The minus forbids Apache, which apt would prefer as the web server.
if dpkg-query -W -f '${db:Status-Status}' apache2 2>/dev/null | grep -q '^installed'; then
    apt install mediawiki
else
    apt install mediawiki $httpd apache2-
fi

if ! complete; then
    echo "The packages are installed, but modules of PHP (see php -m) or Python (ensurepip) are missing." >&2
    exit 1
fi
