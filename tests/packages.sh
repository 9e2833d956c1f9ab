# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# For run.sh and demo.sh: installs what tests/packages.list names and is missing.
install_packages() {
  local list missing=()
  list=$(dirname "${BASH_SOURCE[0]}")/packages.list
  while read -r package; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
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
