# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# For run.sh and demo.sh: installs what tests/packages.list names and is missing.
install_packages() {
  local list installed missing=()
  list=$(dirname "${BASH_SOURCE[0]}")/packages.list
  # With what they provide: binutils-gold is a package of its own in Debian 13 only.
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package} ${Provides}\n' | sed -n 's/^installed //p' | tr -s ', ' '\n')
  while read -r package; do
    grep -qxF "$package" <<<"$installed" || missing+=("$package")
  done < <(grep -v -e '^#' -e '^$' "$list")
  [ ${#missing[@]} -eq 0 ] && return
  if [ "$(id -u)" -ne 0 ]; then
    echo "These packages are missing, and only root can install them: ${missing[*]}" >&2
    exit 1
  fi
  echo "Installing: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get -q update
  apt-get -q install -y --no-install-recommends "${missing[@]}"
}
