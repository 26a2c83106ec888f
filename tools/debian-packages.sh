# For the scripts that fetch a library of another Debian suite: a private apt state beside this
# machine's, from the mirror that it already uses. Nothing on the machine changes.
#
#   . tools/debian-packages.sh
#   private_apt FOLDER SUITE [deb-src]    reads the suite's lists into FOLDER
#   apt_there FOLDER apt-get download …   a command with that state
#   expect_sha256 FILE SUM                false, with the sum found on standard output, if it differs

# The URI of this machine's own Debian mirror, whatever the format of its source lists.
mirror_uri() {
    local codename
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 2>/dev/null |
        awk -v codename="$codename" '
            $3 == "main" && ($2 == codename || $2 ~ /^(stable|oldstable|testing|sid|unstable)$/) {
                print $1
                exit
            }'
}

private_apt() {
    local folder=$1 suite=$2 kind=${3-deb} mirror keyring
    mirror=$(mirror_uri)
    [ -n "$mirror" ] || { echo "no Debian mirror in this machine's apt sources" >&2; return 1; }
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    [ -e "$keyring" ] || keyring=${keyring%.gpg}.pgp
    mkdir -p "$folder"/{state/lists/partial,cache/archives/partial,etc}
    echo "$kind [signed-by=$keyring] $mirror $suite main" >"$folder/etc/sources.list"
    # The pinned hash says what we accept, so an aged list of a frozen mirror serves as well.
    cat >"$folder/apt.conf" <<END
Dir::Etc::sourcelist "$folder/etc/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "$folder/state";
Dir::State::status "/dev/null";
Dir::Cache "$folder/cache";
APT::Sandbox::User "";
APT::Default-Release "";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::Check-Valid-Until "false";
END
    apt_there "$folder" apt-get update -qq
}

apt_there() {
    local folder=$1
    shift
    APT_CONFIG=$folder/apt.conf "$@"
}

expect_sha256() {
    local sum
    sum=$(sha256sum "$1" | cut -d' ' -f1)
    [ "$sum" = "$2" ] || { echo "$sum"; return 1; }
}
