# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion for vhdboot(1)
_vhdboot() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} options=
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W "status list check install uninstall upgrade set next schedule try snapshot mount report --help --version" -- "$word")
    return
  fi
  case $before in
    --menu)
      mapfile -t COMPREPLY < <(compgen -W "ventoy grub systemd-boot refind firmware none" -- "$word")
      return
      ;;
    --every)
      mapfile -t COMPREPLY < <(compgen -W "day week" -- "$word")
      return
      ;;
    --next)
      mapfile -t COMPREPLY < <(compgen -W "windows firmware menu" -- "$word")
      return
      ;;
    --title | --name | --set | --at | --warn | --partition | --memory) return ;;
    --output | -o | --conf | --efi | --esp)
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
    status | snapshot) options="--json" ;;
    list) options="--names --json" ;;
    install) options="--menu --esp --title --name --set --efi --dry-run --yes --json" ;;
    upgrade) options="--efi --dry-run --yes --json" ;;
    uninstall | set)
      options="--dry-run --yes --json"
      if [[ $word != -* && $word != */* ]] && ((COMP_CWORD == 2)); then
        mapfile -t COMPREPLY < <(compgen -W "$(vhdboot list --names 2>/dev/null)" -- "$word")
        ((${#COMPREPLY[@]} > 0)) && return
      fi
      ;;
    schedule) options="--at --next --every --warn --show --cancel --dry-run --yes --json" ;;
    try) options="--memory --emulate --display --set --efi --dry-run" ;;
    mount) options="--partition" ;;
    report) options="--redact --output" ;;
    next)
      options="--reboot --show --clear --dry-run --json"
      if [[ $word != -* && $word != */* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "windows firmware menu" -- "$word")
        return
      fi
      ;;
    check) options="--volume --parent-volume --conf --json --quiet" ;;
  esac
  if [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options --help" -- "$word")
    return
  fi
  compopt -o filenames
  mapfile -t COMPREPLY < <(compgen -f -- "$word")
}
complete -F _vhdboot vhdboot
