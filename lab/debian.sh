# What the lab makes of Debian's packages: each kind of it once, named after its recipe, and kept. Sourced by lab/*/build,
# which say what $recipe, $kind and $host_packages are.
# shellcheck shell=bash

cache=${NVWA_LAB_CACHE:-/var/cache/nvwa-lab}
debs=$cache/debs

# shellcheck disable=SC2154  # set by who sources this
say() { printf 'lab %s: %s\n' "$kind" "$*" >&2; }
die() { say "$*"; exit 1; }

# Prose is left out: a better sentence in a README needs no new build.
recipe_key() {
  # shellcheck disable=SC2154
  (cd "$recipe" && find "$@" -type f ! -name '*.md' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum) |
    sha256sum | cut -c1-12
}

missing_host_packages() {
  local package
  # shellcheck disable=SC2154
  for package in "${host_packages[@]}"; do
    dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' || echo "$package"
  done
}

prepare_host() {
  local missing
  mapfile -t missing < <(missing_host_packages)
  ((EUID == 0)) || die "must run as root${missing[*]:+; missing packages: ${missing[*]}}"
  ((${#missing[@]})) || return 0
  say "installing ${missing[*]}"
  # Standard output is for the path of what is built alone.
  apt-get -q update >&2
  DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends "${missing[@]}" >&2
}

# The host's own sources name the mirrors: "<uri> <release> <keyring>" a line.
host_sources() {
  # shellcheck disable=SC2016  # $(...) is apt's own syntax here
  apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(SIGNED_BY)' 'Created-By: Packages'
}

find_mirrors() {
  local release
  release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
  read -r mirror keyring < <(host_sources | awk -v r="$release" '$2 == r { print $1, $3 }') \
    || die "no Debian mirror for $release in this machine's apt sources"
  [[ $keyring == /* ]] || keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  mirror=${mirror%/}
  security=$(host_sources | awk -v r="$release-security" '$2 == r && !n++ { print $1 }')
  security=${security:-$mirror-security}
  security=${security%/}
}

sources_of() {
  local suite=$1 signed="signed-by=$keyring"
  echo "deb [$signed] $mirror $suite main"
  echo "deb [$signed] $mirror $suite-updates main"
  echo "deb [$signed] $security $suite-security main"
}

backports_of() { echo "deb [signed-by=$keyring] $mirror $1-backports main"; }

# Only during the build: how this machine reaches its mirror, and shortcuts that no real host would take.
write_build_settings() {
  local tree=$1
  mkdir -p "$tree"/etc/apt/apt.conf.d "$tree"/etc/dpkg/dpkg.cfg.d
  {
    apt-config dump | grep -Ei '^Acquire::https?::(.*::)?(Proxy|CaInfo)' || true
    echo 'Acquire::Languages "none"; APT::Install-Recommends "false"; APT::Keep-Downloaded-Packages "true";'
    echo 'Acquire::Queue-Mode "access"; Acquire::Retries "3";'
  } >"$tree"/etc/apt/apt.conf.d/00lab-build
  echo force-unsafe-io >"$tree"/etc/dpkg/dpkg.cfg.d/lab-build
}

# Packages are kept between builds; cache and tree share a file system, so that hard links do.
link_debs() {
  find "$1" -maxdepth 1 -name '*.deb' -exec cp --link --force --target-directory="$2" {} +
}

# Debian from the sources on standard input. TREE VARIANT PACKAGES SUITE, and more of mmdebstrap's options.
bootstrap() {
  local tree=$1 variant=$2 packages=$3 suite=$4
  shift 4
  mkdir -p "$tree"/var/cache/apt/archives/partial
  write_build_settings "$tree"
  link_debs "$debs" "$tree"/var/cache/apt/archives
  mmdebstrap --quiet --mode=root --variant="$variant" --include="$packages" \
    --skip=check/empty,essential/unlink,download/empty,cleanup/apt,cleanup/tmp "$@" "$suite" "$tree" - >&2
}

# Whoever still runs on an older one may hold "flock --shared" on its directory.
remove_others() {
  local old
  for old in "$cache/$kind"-*; do
    [[ $old == "$1" ]] || flock --nonblock "$old" rm -rf --one-file-system "$old" || say "$old is in use, kept"
  done
}

# Prints the directory of what the files given make; where there is none yet, the build script makes it, called with --into.
build_once() {
  local made partial
  made=$cache/$kind-$(recipe_key "$@")
  if [[ ! -d $made ]]; then
    prepare_host
    mkdir -p "$debs"
    exec 9>"$cache"/lock
    flock 9
    if [[ ! -d $made ]]; then # another builder may have made it meanwhile
      partial=$made.partial
      rm -rf --one-file-system "$partial"
      unshare --mount --pid --fork --kill-child "$0" --into "$partial" 9>&-
      mv "$partial" "$made"
      remove_others "$made"
      say "done in $SECONDS s"
    fi
  fi
  echo "$made"
}
