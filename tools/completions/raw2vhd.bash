# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion for raw2vhd(1)
_raw2vhd() {
  local word=${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=()
  if [[ ${COMP_WORDS[COMP_CWORD - 1]} == --uuid ]]; then return; fi
  if [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "--dry-run --pad --relocate-gpt --uuid --json --quiet --help --version" -- "$word")
    return
  fi
  compopt -o filenames
  mapfile -t COMPREPLY < <(compgen -d -- "$word"; compgen -f -X '!*.@(vhd|img|raw)' -- "$word")
}
shopt -s extglob
complete -F _raw2vhd raw2vhd
