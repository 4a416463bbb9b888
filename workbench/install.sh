#!/usr/bin/env bash
# Prepares this machine for `make run` or `make test`: Debian packages, Prosody, Python packages, and what the browser tests take from npm.
#
#   bash workbench/install.sh run     Debian 12 or 13, or Ubuntu 24.04
#   bash workbench/install.sh test    Debian 12 or 13: also the Prosody of their backports, Chromium, PostgreSQL and the Lua tools
#   bash workbench/install.sh soak    as for test, the Lua code of the newest Prosody 13, and what makes clean machines
#
# Everything but the Debian packages stays inside the project: .venv, .cache and tests/browser/node_modules.
# It starts no service, and changes neither apt's configuration nor an installed Prosody. A second call finds its stamps and ends at once.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly PROJECT=$PWD CACHE=$PWD/.cache LOG=$PWD/.cache/install.log

# Prosody's own Lua dependencies stand here by their real names, because its package names virtual ones.
readonly RUN_PACKAGES=(python3 python3-venv ca-certificates openssl
    lua5.4 lua-bitop lua-expat lua-filesystem lua-sec lua-socket lua-unbound
    libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz0b libharfbuzz-subset0 fonts-lato fonts-dejavu-core) # letters
readonly TEST_PACKAGES=(lua-busted lua-check chromium chromium-headless-shell chromium-driver nginx postgresql
    poppler-utils zbar-tools # letters, as screen readers and cameras see them
    libreoffice-calc # tables, as offices write them
    logrotate faketime) # how long it keeps a line, over weeks that pass in seconds
readonly SOAK_PACKAGES=(debootstrap slirp4netns) # clean machines for the installation

# The lock may be held for a while by the machine's own updates.
readonly APT_OPTIONS=(-o DPkg::Lock::Timeout=300 -o Acquire::Retries=2 -o Acquire::http::Timeout=30)
# What apt, pip and npm say when nobody answers.
readonly NETWORK_ERRORS='Temporary failure|Could not (resolve|connect)|Unable to connect|Network is unreachable|Connection (refused|timed out|failed)|NewConnectionError|NameResolutionError|ConnectTimeout|EAI_AGAIN|ENOTFOUND|ECONNREFUSED|ETIMEDOUT|ENETUNREACH'

# ---- Progress and failure ----

explained=no     # whether the reader has been told why this run ends
step_number=0
step_log_start=1 # first line in the log of the step that runs

explain() { # one sentence for a person, then the end
    explained=yes
    printf '\n%s\n' "$1" >&3
    exit "${2:-1}"
}

network_failed() { tail -n "+$step_log_start" "$LOG" | grep -qE "$NETWORK_ERRORS"; }

on_exit() {
    rm -rf "$CACHE/unpacking" "$CACHE/apt"
    if [ "$1" -eq 0 ] || [ "$explained" = yes ]; then return; fi
    if network_failed; then
        explain 'The package servers cannot be reached: connect this machine to the network and run this again (details: .cache/install.log).'
    fi
    printf '\nThis step failed. The last lines of .cache/install.log:\n%s\n' "$(tail -n 15 "$LOG")" >&3
}

step() { # step TITLE FUNCTION ARGUMENT...; the function may set `note`, which then follows the title
    local title=$1 started=$SECONDS note=''
    shift
    step_number=$((step_number + 1))
    step_log_start=$(($(wc -l <"$LOG") + 1))
    printf '[%d/%d] %s … ' "$step_number" "$STEPS" "$title" >&4
    "$@" >>"$LOG" 2>&1 # a plain call: within a condition, bash would ignore `set -e` inside the function
    printf '%sready (%d s)\n' "${note:+$note }" "$((SECONDS - started))" >&4
}

key_of() { sha256sum | cut -c 1-32; } # of what stands on its standard input

is_current() { [ -r "$1" ] && [ "$(<"$1")" = "$2" ]; } # is_current STAMP KEY

# ---- Debian packages ----

wanted_packages() {
    printf '%s\n' "${RUN_PACKAGES[@]}"
    if [ "$FORM" = run ]; then return; fi
    printf '%s\n' "${TEST_PACKAGES[@]}"
    if [ "$FORM" = soak ]; then printf '%s\n' "${SOAK_PACKAGES[@]}"; fi
    # Debian's npm brings some 400 packages along; any other npm will do.
    command -v npm >/dev/null || printf '%s\n' nodejs npm
}

missing_packages() {
    local installed
    installed=" $(dpkg-query --show --showformat='${db:Status-Status}=${Package} ' "$@" 2>/dev/null || true)"
    for package in "$@"; do [[ $installed == *" installed=$package "* ]] || printf '%s\n' "$package"; done
}

can_be_root() { # sudo may ask for its password only where somebody can type it
    [ "$EUID" -eq 0 ] || { command -v sudo && { sudo -n true || { [ -t 0 ] && sudo -v; }; }; }
}

as_root() { # no maintainer script may start a service, and Ubuntu's needrestart may not restart any
    local sudo=()
    [ "$EUID" -eq 0 ] || sudo=(sudo)
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 NEEDRESTART_SUSPEND=1 "$@"
}

install_packages() {
    local missing
    mapfile -t missing < <(missing_packages "$@")
    if [ ${#missing[@]} -eq 0 ]; then return; fi
    can_be_root || explain "Some Debian packages are missing and only root can install them: run \`apt-get update && apt-get install --no-install-recommends ${missing[*]}\` as root, then this again."
    # shellcheck disable=SC2016 # expanded by the inner shell
    as_root bash -euc '
        apt="apt-get $1"; shift
        # A first PostgreSQL would create a cluster on port 5432 that starts with the next boot; the tests make their own.
        no_cluster=/etc/postgresql-common/createcluster.d/authbridge-install.conf
        case " $* " in *" postgresql "*)
            trap "rm -f $no_cluster" EXIT
            mkdir -p "${no_cluster%/*}"
            echo "create_main_cluster = false" >"$no_cluster" ;;
        esac
        dpkg --configure -a # finishes what an interrupted run left, else apt refuses to work
        $apt update || true # a broken source of somebody else is no reason to stop
        $apt install --yes --no-install-recommends "$@"
        # The tests start their own; a first nginx would serve port 80 from the next boot on.
        case " $* " in *" nginx "*) ! command -v systemctl || systemctl disable nginx ;; esac' install "${APT_OPTIONS[*]}" "${missing[@]}"
    note="${#missing[@]} installed,"
}

# ---- Prosody ----

# Writes this machine's own apt entries for the suite CODENAME, moved to SUITE, into FOLDER: the mirror and the keys stay those its owner chose.
copy_apt_entries() { # copy_apt_entries CODENAME SUITE FOLDER
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | sed -nE \
        "s#^[[:space:]]*(deb[[:space:]]+(\[[^]]*\][[:space:]]+)?[^[:space:]]+[[:space:]]+)$1([[:space:]]+(.*[[:space:]])?main([[:space:]].*)?)\$#\1$2\3#p" \
        >"$3/prosody.list" || true
    # The newer format: stanzas of "Field: values", parted by empty lines.
    cat /etc/apt/sources.list.d/*.sources 2>/dev/null | awk -v RS='' -v FS='\n' -v codename="$1" -v suite="$2" '
        function has(field, word, i) {
            for (i = 1; i <= NF; i++)
                if (tolower($i) ~ "^" tolower(field) ":" && (" " substr($i, length(field) + 2) " ") ~ "[ \t]" word "[ \t]") return 1
        }
        has("Types", "deb") && has("Components", "main") && has("Suites", codename) && !has("Enabled", "no") {
            for (i = 1; i <= NF; i++)
                print tolower($i) ~ /^types:/ ? "Types: deb" : tolower($i) ~ /^suites:/ ? "Suites: " suite : $i
            print ""
        }' >"$3/prosody.sources" || true
}

private_apt() { # private_apt PROGRAM ARGUMENT...: with its own sources, lists and cache; needs no root and leaves the machine's alone
    local program=$1
    shift
    "$program" -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$CACHE/apt/sources" -o Dir::State::lists="$CACHE/apt/lists" \
        -o Dir::Cache="$CACHE/apt/cache" -o APT::Sandbox::User=root -o Acquire::Languages=none "${APT_OPTIONS[@]}" "$@"
}

update_private_lists() { # update_private_lists SUITE
    rm -rf "$CACHE/apt"
    mkdir -p "$CACHE/apt/sources" "$CACHE/apt/lists/partial" "$CACHE/apt/cache/archives/partial"
    copy_apt_entries "$CODENAME" "$1" "$CACHE/apt/sources"
    private_apt apt-get update || true # told by what follows
}

newest_prosody() { # newest_prosody MAJOR SUITE <madison's list; the distribution's own version may also come from its updates
    awk -v major="$1." -v suite="$2" -v codename="$CODENAME" '
        $1 == "prosody" && index($3, major) == 1 && (suite == codename ? $0 !~ /-backports\// : index($0, " " suite "/")) && !n++ { print $3 }'
}

download_prosody() { # download_prosody MAJOR SUITE FOLDER: puts the .deb there; fails if nobody offers one
    local version
    version=$(apt-cache madison prosody | newest_prosody "$1" "$2")
    if [ -n "$version" ] && (cd "$3" && apt-get "${APT_OPTIONS[@]}" download "prosody=$version"); then return; fi
    update_private_lists "$2"
    version=$(private_apt apt-cache madison prosody | newest_prosody "$1" "$2")
    [ -n "$version" ] && (cd "$3" && private_apt apt-get download "prosody=$version")
}

tree_key() { # tree_key NAME SUITE
    { cat workbench/install.sh && printf '%s\n' "$CACHE/prosody/$1" "$CODENAME" "$2"; } | key_of
}

has_tree() { is_current "$CACHE/prosody/$1/.stamp" "$(tree_key "$1" "$2")"; } # has_tree NAME SUITE

# Unpacks the newest Prosody MAJOR that SUITE offers to .cache/prosody/NAME, from which it starts in place; leaves nothing there
# if nobody offers one.  With LIBRARIES, the name of another tree, it runs on that one's shared libraries: those of a later
# distribution would not load here.
prepare_prosody() { # prepare_prosody NAME MAJOR SUITE [LIBRARIES]
    local tree=$CACHE/prosody/$1 new=$CACHE/unpacking/tree lua=usr/lib/prosody escaped libraries
    note='none offered,'
    if ! has_tree "$1" "$3"; then
        rm -rf "$tree" "$CACHE/unpacking"
        mkdir -p "$CACHE/unpacking" "$CACHE/prosody"
        if ! download_prosody "$2" "$3" "$CACHE/unpacking"; then return; fi
        dpkg-deb --extract "$CACHE"/unpacking/*.deb "$new"
        dpkg-deb --field "$CACHE"/unpacking/*.deb Version >"$new/.version"
        # Its shared libraries (ICU, OpenSSL) carry other names in each distribution, so the package itself is asked.
        dpkg-deb --field "$CACHE"/unpacking/*.deb Depends | tr ',' '\n' | sed -nE 's/^ *(lib[^ |]+).*/\1/p' >"$new/.libraries"
        if [ $# -eq 4 ]; then
            find "$new/$lua" -name '*.so' -delete
            (cd "$CACHE/prosody/$4/$lua" && find . -name '*.so' -exec cp --parents '{}' "$new/$lua" ';')
            cp "$CACHE/prosody/$4/.libraries" "$new/.libraries"
        fi
        escaped=$(printf '%s' "$tree" | sed 's/[&#\\]/\\&/g')
        sed -i -E "s#^(CFG_[A-Z]+DIR=['\"])/#\1$escaped/#" "$new/usr/bin/prosody" "$new/usr/bin/prosodyctl"
        tree_key "$1" "$3" >"$new/.stamp"
        mv "$new" "$tree" # whole, or not at all
    fi
    mapfile -t libraries <"$tree/.libraries"
    install_packages "${libraries[@]}"
    note=$(cut -d - -f 1 "$tree/.version")
}

require_tree() { # require_tree WORDS SUITE NAME...: ends the run if none of them is there
    local words=$1 suite=$2
    shift 2
    for name in "$@"; do if has_tree "$name" "$suite"; then return; fi; done
    network_failed || explain "The apt sources of this machine offer no $words, not in their suite $suite either (details: .cache/install.log)."
    return 1
}

prepare_own_prosody() { # the distribution's: 0.12, or 13 where it has none
    if ! has_tree 13 "$CODENAME"; then prepare_prosody 0.12 0.12 "$CODENAME"; fi
    if ! has_tree 0.12 "$CODENAME"; then prepare_prosody 13 13 "$CODENAME"; fi
    require_tree 'Prosody 0.12 or 13' "$CODENAME" 0.12 13
}

prepare_backported_prosody() { # the first 13, or a second one where backports have it
    if has_tree 13 "$CODENAME"; then
        prepare_prosody 13-backports 13 "$CODENAME-backports"
    else
        prepare_prosody 13 13 "$CODENAME-backports"
        require_tree 'Prosody 13' "$CODENAME-backports" 13
    fi
}

prepare_newest_prosody() { # its Lua code
    local base=13
    if has_tree 13-backports "$CODENAME-backports"; then base=13-backports; fi
    prepare_prosody 13-sid 13 sid "$base"
}

# ---- promtool ----

download_prometheus() { # download_prometheus FOLDER
    if (cd "$1" && apt-get "${APT_OPTIONS[@]}" download prometheus); then return; fi
    update_private_lists "$CODENAME"
    (cd "$1" && private_apt apt-get download prometheus)
}

# Prometheus' own checker of rules and metrics, to .cache/prometheus; its package would bring a server along and start it.
prepare_promtool() {
    local home=$CACHE/prometheus new=$CACHE/unpacking/prometheus
    if ! is_current "$home/.stamp" "$CODENAME"; then
        rm -rf "$home" "$CACHE/unpacking"
        mkdir -p "$new"
        download_prometheus "$CACHE/unpacking"
        dpkg-deb --fsys-tarfile "$CACHE"/unpacking/*.deb | tar -x -C "$new" --strip-components=3 ./usr/bin/promtool
        printf '%s\n' "$CODENAME" >"$new/.stamp"
        mv "$new" "$home" # whole, or not at all
    fi
}

# ---- Python and Node ----

prepare_python() { # one .venv for both forms: what `test` installs includes what `run` does
    local run_key test_key python requirements=deploy/requirements.txt
    python=$(python3 -c 'import sys; print(sys.executable, sys.version, sys.version_info >= (3, 11))')
    case $python in *True) ;; *) explain "AuthBridge needs Python 3.11 or newer, and python3 is $(python3 --version) here." ;; esac
    run_key=$({ printf '%s\n' "$PROJECT" "$python" && cat deploy/requirements.txt; } | key_of)
    test_key=$({ printf '%s\n' "$run_key" && cat tests/requirements.txt; } | key_of)
    if is_current .venv/.stamp-test "$test_key" || { [ "$FORM" = run ] && is_current .venv/.stamp-run "$run_key"; }; then return; fi

    # Only a sound environment of `run` is built upon; anything else is made anew, lest packages linger that no file names.
    if [ ! -e .venv/.stamp-test ] && is_current .venv/.stamp-run "$run_key"; then
        rm .venv/.stamp-run
    else
        rm -f .venv/.stamp-*
        rm -rf .venv
        python3 -m venv .venv
        printf '%s\n' "$PROJECT" >"$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/authbridge.pth"
    fi
    [ "$FORM" = run ] || requirements=tests/requirements.txt
    PIP_DISABLE_PIP_VERSION_CHECK=1 .venv/bin/python -m pip install --no-input --progress-bar=off --retries=2 --require-hashes -r "$requirements"
    [ "$FORM" = run ] || printf '%s\n' "$test_key" >.venv/.stamp-test
    printf '%s\n' "$run_key" >.venv/.stamp-run
}

prepare_node_packages() {
    local stamp=node_modules/.stamp key
    cd tests/browser
    key=$(cat package.json package-lock.json .npmrc | key_of)
    if ! is_current "$stamp" "$key"; then
        rm -f "$stamp"
        npm_config_update_notifier=false npm_config_fetch_retry_mintimeout=2000 npm_config_fetch_retry_maxtimeout=5000 \
            npm ci --ignore-scripts --no-audit --no-fund
        printf '%s\n' "$key" >"$stamp"
    fi
    cd "$PROJECT"
}

# ---- The two forms ----

main() {
    mkdir -p "$CACHE"
    exec 3>&2 4>&1 # where a step's own output goes to the log, these still reach the reader
    exec 9>"$CACHE/install.lock"
    flock --nonblock 9 || { echo 'Another install is running here; waiting for it.' && flock 9; }
    : >"$LOG"
    trap 'on_exit $?' EXIT
    trap 'explain "Interrupted; the same command picks up from here." 130' INT TERM

    local packages
    # shellcheck source=/dev/null
    CODENAME=$(source /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
    readonly CODENAME
    mapfile -t packages < <(wanted_packages)
    step 'Debian packages' install_packages "${packages[@]}"
    step 'Prosody' prepare_own_prosody
    if [ "$FORM" != run ]; then step 'Prosody of the backports' prepare_backported_prosody; fi
    if [ "$FORM" = soak ]; then step 'Lua code of the newest Prosody' prepare_newest_prosody; fi
    if [ "$FORM" != run ]; then step 'promtool' prepare_promtool; fi
    step 'Python packages' prepare_python
    if [ "$FORM" != run ]; then step 'XMPP client and page checkers for the browser' prepare_node_packages; fi
}

case ${1:-} in
    run) readonly FORM=run STEPS=3 ;;
    test) readonly FORM=test STEPS=6 ;;
    soak) readonly FORM=soak STEPS=7 ;;
    *)
        echo 'usage: bash workbench/install.sh run|test|soak' >&2
        exit 2
        ;;
esac
main
