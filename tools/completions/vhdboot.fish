# SPDX-License-Identifier: GPL-2.0-or-later
# fish completion for vhdboot(1)
function __vhdboot_command
    set -l words (commandline -opc)
    test (count $words) -gt 1; and contains -- $words[2] $argv
end

complete -c vhdboot -n __fish_use_subcommand -f -a status -d 'how this system was started, and what is started next'
complete -c vhdboot -n __fish_use_subcommand -f -a list -d 'the images on all volumes'
complete -c vhdboot -n __fish_use_subcommand -f -a check -d 'whether an image would boot, and if not why not'
complete -c vhdboot -n __fish_use_subcommand -f -a install -d 'put an image into a boot menu'
complete -c vhdboot -n __fish_use_subcommand -f -a uninstall -d 'take it out again, without a trace'
complete -c vhdboot -n __fish_use_subcommand -f -a upgrade -d 'replace installed EFI files by this version'
complete -c vhdboot -n __fish_use_subcommand -f -a set -d 'show or change the configuration of an installed image'
complete -c vhdboot -n __fish_use_subcommand -f -a next -d 'choose what the machine starts next, once'
complete -c vhdboot -l help -d 'the help text'
complete -c vhdboot -n __fish_use_subcommand -l version -d 'the version'
complete -c vhdboot -n '__vhdboot_command status list check install uninstall upgrade set next' -l json -d 'one JSON object'
complete -c vhdboot -n '__vhdboot_command list' -l names -d 'only the names'
complete -c vhdboot -n '__vhdboot_command check' -l volume -r -d 'the unmounted volume that has the image'
complete -c vhdboot -n '__vhdboot_command check' -l conf -r -d 'the configuration file'
complete -c vhdboot -n '__vhdboot_command check' -l quiet -d 'only the exit status tells'
complete -c vhdboot -n '__vhdboot_command next' -f -a 'windows firmware menu'
complete -c vhdboot -n '__vhdboot_command next' -l reboot -d 'restart now'
complete -c vhdboot -n '__vhdboot_command next' -l show -d 'what is set'
complete -c vhdboot -n '__vhdboot_command next' -l clear -d 'nothing special is started next'
complete -c vhdboot -n '__vhdboot_command install uninstall upgrade set next' -s n -l dry-run -d 'only show it'
complete -c vhdboot -n '__vhdboot_command install uninstall upgrade set' -s y -l yes -d 'do not ask'
complete -c vhdboot -n '__vhdboot_command install' -l menu -x -a 'ventoy grub systemd-boot refind firmware none' -d 'the boot menu'
complete -c vhdboot -n '__vhdboot_command install' -l esp -r -d 'where the ESP is mounted'
complete -c vhdboot -n '__vhdboot_command install' -l title -x -d 'in the menu'
complete -c vhdboot -n '__vhdboot_command install' -l name -x -d 'of the EFI file'
complete -c vhdboot -n '__vhdboot_command install' -l set -x -d 'KEY=VALUE of the configuration'
complete -c vhdboot -n '__vhdboot_command install upgrade' -l efi -r -d 'the vhdboot.efi to be copied'
complete -c vhdboot -n '__vhdboot_command uninstall set' -a '(vhdboot list --names 2>/dev/null)'
