# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion for vhdboot-inspect(8)
_vhdboot_inspect() {
  local word=${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=()
  if [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "--plan --conf --help --version" -- "$word")
    return
  fi
  compopt -o filenames
  mapfile -t COMPREPLY < <(compgen -f -- "$word")
}
complete -F _vhdboot_inspect vhdboot-inspect
