# SPDX-License-Identifier: GPL-2.0-or-later
# fish completion for vhdboot(1)
function __vhdboot_command
    set -l words (commandline -opc)
    test (count $words) -gt 1; and contains -- $words[2] $argv
end

complete -c vhdboot -n __fish_use_subcommand -f -a status -d 'how this system was started, and what is started next'
complete -c vhdboot -n __fish_use_subcommand -f -a list -d 'the images on all volumes'
complete -c vhdboot -n __fish_use_subcommand -f -a check -d 'whether an image would boot, and if not why not'
complete -c vhdboot -n __fish_use_subcommand -f -a next -d 'choose what the machine starts next, once'
complete -c vhdboot -l help -d 'the help text'
complete -c vhdboot -n __fish_use_subcommand -l version -d 'the version'
complete -c vhdboot -n '__vhdboot_command status list check next' -l json -d 'one JSON object'
complete -c vhdboot -n '__vhdboot_command list' -l names -d 'only the names'
complete -c vhdboot -n '__vhdboot_command check' -l volume -r -d 'the unmounted volume that has the image'
complete -c vhdboot -n '__vhdboot_command check' -l conf -r -d 'the configuration file'
complete -c vhdboot -n '__vhdboot_command check' -l quiet -d 'only the exit status tells'
complete -c vhdboot -n '__vhdboot_command next' -f -a 'windows firmware menu'
complete -c vhdboot -n '__vhdboot_command next' -l reboot -d 'restart now'
complete -c vhdboot -n '__vhdboot_command next' -l show -d 'what is set'
complete -c vhdboot -n '__vhdboot_command next' -l clear -d 'nothing special is started next'
complete -c vhdboot -n '__vhdboot_command next' -s n -l dry-run -d 'only say how'
