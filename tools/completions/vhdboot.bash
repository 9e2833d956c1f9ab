# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion for vhdboot(1)
_vhdboot() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} options=
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W "status list check next --help --version" -- "$word")
    return
  fi
  case $before in
    --conf)
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      return
      ;;
    --volume)
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -- "${word:-/dev/}")
      return
      ;;
  esac
  case ${COMP_WORDS[1]} in
    status) options="--json" ;;
    list) options="--names --json" ;;
    next)
      options="--reboot --show --clear --dry-run --json"
      if [[ $word != -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "windows firmware menu" -- "$word")
        return
      fi
      ;;
    check) options="--volume --conf --json --quiet" ;;
  esac
  if [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options --help" -- "$word")
    return
  fi
  compopt -o filenames
  mapfile -t COMPREPLY < <(compgen -f -- "$word")
}
complete -F _vhdboot vhdboot
