# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion for vhdtool(1)
_vhdtool() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} options=
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W "attach boot-set cat check commit create delete desparse detach export fetch grow hashes info map provision reblock reserve rollback snapshot snapshots update --help --version" -- "$word")
    return
  fi
  case $before in
    --offset | --length | --reserve | --root-hash) return ;;
    --conf | --output | -o)
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      return
      ;;
    --volume | --parent-volume)
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -- "${word:-/dev/}")
      return
      ;;
  esac
  case ${COMP_WORDS[1]} in
    attach) options="--read-only --ephemeral" ;;
    cat) options="--offset --length --parent-volume" ;;
    check) options="--volume --parent-volume --conf --json --quiet" ;;
    export) options="--volume --output" ;;
    fetch) options="--boot-set --root-hash" ;;
    update) options="--root-hash" ;;
    info) options="--json --parent-volume" ;;
    map) options="--dmsetup --volume --parent-volume" ;;
    provision) options="--full" ;;
    snapshot) options="--reserve" ;;
    snapshots) options="--json" ;;
  esac
  if [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options --help" -- "$word")
    return
  fi
  compopt -o filenames
  mapfile -t COMPREPLY < <(compgen -f -- "$word")
}
complete -F _vhdtool vhdtool
