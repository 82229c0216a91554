# SPDX-License-Identifier: MIT
# fish completion for shmipc(1). tests/tools/documents.py compares the options
# here with those of `shmipc COMMAND --help`.

# Names of channels, without the slash in front if the word has none; and files
# once there is a slash elsewhere.
function __shmipc_names
    set -l word (commandline -ct)
    if string match -q '?*/*' -- $word
        __fish_complete_path $word
        return
    end
    set -l names (shmipc ls --json 2>/dev/null |
        string replace -rf '^ *"name": "(.*)",$' '$1' |
        string replace -ra '\\\\(["\\\\])' '$1')
    if string match -q '/*' -- $word
        printf '%s\n' $names
    else
        string replace -r '^/' '' -- $names
    end
end

# __shmipc_is COMMAND...: whether it is one of these that is being typed.
function __shmipc_is
    set -l words (commandline -opc)
    test (count $words) -ge 2; and contains -- $words[2] $argv
end

function __shmipc_has_no_command
    test (count (commandline -opc)) -eq 1
end

complete -c shmipc -f
complete -c shmipc -n __shmipc_has_no_command -l version -d 'Print the version'
complete -c shmipc -s h -l help -d 'Print help'

complete -c shmipc -n __shmipc_has_no_command -a create -d 'Make a channel'
complete -c shmipc -n __shmipc_has_no_command -a send -d 'Send standard input as messages'
complete -c shmipc -n __shmipc_has_no_command -a recv -d 'Write messages to standard output'
complete -c shmipc -n __shmipc_has_no_command -a tap -d 'Write what goes through, and take nothing'
complete -c shmipc -n __shmipc_has_no_command -a record -d 'Keep what goes through in a file'
complete -c shmipc -n __shmipc_has_no_command -a replay -d 'Send what was recorded'
complete -c shmipc -n __shmipc_has_no_command -a bridge -d 'Carry messages to and from other machines'
complete -c shmipc -n __shmipc_has_no_command -a perf -d 'Measure what messages cost'
complete -c shmipc -n __shmipc_has_no_command -a ls -d 'List channels and buffers'
complete -c shmipc -n __shmipc_has_no_command -a stat -d 'Show what is in one, and what is wrong'
complete -c shmipc -n __shmipc_has_no_command -a doctor -d 'Look what is wrong on this machine'
complete -c shmipc -n __shmipc_has_no_command -a recover -d 'Remove what dead processes left in the way'
complete -c shmipc -n __shmipc_has_no_command -a rm -d 'Remove segments that nobody uses'
complete -c shmipc -n __shmipc_has_no_command -a prune -d 'Remove what dead processes left'
complete -c shmipc -n __shmipc_has_no_command -a dump -d 'Print control words and entries'

complete -c shmipc -n '__shmipc_is create send recv tap record replay stat recover rm prune dump bridge' -a '(__shmipc_names)'
complete -c shmipc -n '__shmipc_is bridge' -a 'out in run keygen'
complete -c shmipc -n '__shmipc_is create send recv tap record replay perf ls stat doctor recover rm prune dump' -s j -l json -d 'Print JSON'

complete -c shmipc -n '__shmipc_is create' -s s -l size -x -d 'Bytes of data'
complete -c shmipc -n '__shmipc_is create' -s m -l mode -x -d 'Permission bits'
complete -c shmipc -n '__shmipc_is create' -s g -l group -x -a '(__fish_complete_groups)' -d 'Group'
complete -c shmipc -n '__shmipc_is create' -l one-producer -d 'One process at a time may write'
complete -c shmipc -n '__shmipc_is create' -l one-consumer -d 'One process at a time may read'
complete -c shmipc -n '__shmipc_is create' -l taps -d 'For tap and record to miss nothing'
complete -c shmipc -n '__shmipc_is create' -l broadcast -d 'Every subscriber reads every message'
complete -c shmipc -n '__shmipc_is create' -l subscribers -x -d 'The same, for so many subscribers'
complete -c shmipc -n '__shmipc_is create' -l owners -x -d 'Processes that may write at a time'
complete -c shmipc -n '__shmipc_is create' -l if-missing -d 'Be content with one that exists'
complete -c shmipc -n '__shmipc_is create' -l replace-dead -d 'Replace one whose owners are all dead'
complete -c shmipc -n '__shmipc_is create' -l prefault -d 'Make all pages present'
complete -c shmipc -n '__shmipc_is create' -l huge-pages -d 'Use large pages'
complete -c shmipc -n '__shmipc_is create' -l numa-node -x -d 'Take pages from that node'

complete -c shmipc -n '__shmipc_is send' -s f -l framing -x -a 'lines length whole bytes' -d 'What a message is'
complete -c shmipc -n '__shmipc_is recv' -s f -l framing -x -a 'lines length whole bytes json' -d 'How messages are written'
complete -c shmipc -n '__shmipc_is send recv tap record replay' -s n -l count -x -d 'End after so many messages'
complete -c shmipc -n '__shmipc_is send recv tap record replay' -s t -l timeout -x -d 'End after such a wait'
complete -c shmipc -n '__shmipc_is send replay' -l drop -d 'Drop what there is no space for'
complete -c shmipc -n '__shmipc_is send replay' -l close -d 'Close the channel at the end'
complete -c shmipc -n '__shmipc_is recv tap record' -l no-wait -d 'End when no message is there'
complete -c shmipc -n '__shmipc_is send recv' -s n -l count -x -d 'End after so many messages'
complete -c shmipc -n '__shmipc_is send recv' -s t -l timeout -x -d 'End after such a wait'
complete -c shmipc -n '__shmipc_is send' -l drop -d 'Drop what there is no space for'
complete -c shmipc -n '__shmipc_is send' -l close -d 'Close the channel at the end'
complete -c shmipc -n '__shmipc_is recv' -l no-wait -d 'End when no message is there'
complete -c shmipc -n '__shmipc_is recv' -l subscribe -x -a 'now oldest' -d 'Get every message, beginning there'
complete -c shmipc -n '__shmipc_is recv' -s F -l follow -d 'Go on with the next channel of that name'
complete -c shmipc -n '__shmipc_is send recv replay' -s s -l size -x -d 'Bytes of data of a channel made by this'
complete -c shmipc -n '__shmipc_is send recv replay' -l existing -d 'Make no channel where there is none'
complete -c shmipc -n '__shmipc_is send recv replay' -l unlink -d 'Remove the name at the end'
complete -c shmipc -n '__shmipc_is send' -l piece -x -d 'Most that a message of bytes holds'
complete -c shmipc -n '__shmipc_is send recv tap record replay' -s p -l progress -d 'Show how much and how fast'

complete -c shmipc -n '__shmipc_is tap' -s f -l framing -x -a 'lines length bytes json' -d 'How messages are written'
complete -c shmipc -n '__shmipc_is tap record' -l from -x -a 'oldest newest now' -d 'Where to begin'
complete -c shmipc -n '__shmipc_is tap record' -l past -x -d 'Go past what is being written for so long'
complete -c shmipc -n '__shmipc_is record' -s o -l output -r -F -d 'Write there'
complete -c shmipc -n '__shmipc_is record' -l rotate -x -d 'Files of at most that size'
complete -c shmipc -n '__shmipc_is record' -l keep -x -d 'Keep the last files'
complete -c shmipc -n '__shmipc_is replay' -F
complete -c shmipc -n '__shmipc_is replay' -l fast -d 'Send without waiting in between'
complete -c shmipc -n '__shmipc_is replay' -l speed -x -d 'That many times as fast'

complete -c shmipc -n '__shmipc_is perf' -s s -l size -x -d 'Bytes of a message'
complete -c shmipc -n '__shmipc_is perf' -l rounds -x -d 'Round trips for each latency'
complete -c shmipc -n '__shmipc_is perf' -l seconds -x -d 'Time for each throughput'

complete -c shmipc -n '__shmipc_is ls' -s a -l all -d 'All files'
complete -c shmipc -n '__shmipc_is ls doctor prune' -s d -l dir -x -a '(__fish_complete_directories)' -d 'Look there'
complete -c shmipc -n '__shmipc_is stat' -s w -l watch -d 'Look again and again'
complete -c shmipc -n '__shmipc_is stat' -s i -l interval -x -d 'Time between two looks'
complete -c shmipc -n '__shmipc_is stat' -l count -x -d 'End after so many looks'
complete -c shmipc -n '__shmipc_is stat' -l prometheus -d 'Print metrics'
complete -c shmipc -n '__shmipc_is doctor' -s q -l quiet -d 'Warnings and errors only'

complete -c shmipc -n '__shmipc_is recover prune' -s y -l yes -d 'Do it'
complete -c shmipc -n '__shmipc_is recover' -s f -l force -d 'Also owners that nobody can judge'
complete -c shmipc -n '__shmipc_is rm' -s f -l force -d 'Whoever uses it'
complete -c shmipc -n '__shmipc_is prune' -l keep-unread -d 'Keep those with entries not read'
complete -c shmipc -n '__shmipc_is prune' -l unused -d 'Also those that nobody has'
complete -c shmipc -n '__shmipc_is dump' -s n -l words -x -d 'Control words'
complete -c shmipc -n '__shmipc_is dump' -s b -l before -x -d 'Blocks before the head'
complete -c shmipc -n '__shmipc_is dump' -s s -l bytes -x -d 'Bytes of each entry'
