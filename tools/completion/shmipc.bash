# SPDX-License-Identifier: MIT
# bash completion for shmipc(1). tests/tools/documents.py compares the options
# here with those of `shmipc COMMAND --help`; those with a value end by "=".

# Names of channels, without the slash in front if the word has none; and files
# once there is a slash elsewhere. Who may create files in /dev/shm chooses their
# names, so none is given to `compgen -W`, which would run what is in $(...).
_shmipc_names() {
    local name

    if [[ $cur == ?*/* ]]; then
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
    fi
    while IFS= read -r name; do
        [[ $cur == /* ]] || name=${name#/}
        [[ $name != "$cur"* ]] || COMPREPLY+=("$(printf %q "$name")")
    done < <(shmipc ls --json 2>/dev/null |
        sed -n 's/\\\(["\\]\)/\1/g; s/^ *"name": "\(.*\)",$/\1/p')
}

_shmipc_value() {
    case $1 in
    --framing | -f)
        local forms='lines length whole bytes'
        [ "${COMP_WORDS[1]}" != recv ] || forms+=' json'
        [ "${COMP_WORDS[1]}" != tap ] || forms='lines length bytes json'
        COMPREPLY=($(compgen -W "$forms" -- "$cur"))
        ;;
    --from) COMPREPLY=($(compgen -W 'oldest newest now' -- "$cur")) ;;
    --output | -o)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        ;;
    --subscribe) COMPREPLY=($(compgen -W 'now oldest' -- "$cur")) ;;
    --group | -g) COMPREPLY=($(compgen -g -- "$cur")) ;;
    --dir | -d)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -d -- "$cur")
        ;;
    esac
}

_shmipc() {
    local IFS=$' \t\n'
    local commands='create send recv tap record replay bridge perf ls stat doctor recover rm prune dump'
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local command=${COMP_WORDS[1]} options values short

    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W "$commands --help --version" -- "$cur"))
        return
    fi
    short=
    case $command in
    create)
        options='--size= --mode= --group= --one-producer --one-consumer
            --taps --broadcast --subscribers= --owners=
            --if-missing --replace-dead
            --prefault --huge-pages --numa-node= --json --help'
        short='-s -m -g'
        ;;
    send)
        options='--framing= --count= --timeout= --drop --close --size=
            --existing --unlink --piece= --progress --json --help'
        short='-f -n -t -s'
        ;;
    recv)
        options='--framing= --count= --timeout= --no-wait --follow
            --subscribe= --size= --existing --unlink --progress --json --help'
        short='-f -n -t -s'
        ;;
    tap)
        options='--framing= --from= --count= --timeout= --no-wait --past=
            --progress --json --help'
        short='-f -n -t'
        ;;
    record)
        options='--output= --rotate= --keep= --from= --count= --timeout=
            --no-wait --past= --progress --json --help'
        short='-o -n -t'
        ;;
    replay)
        options='--fast --speed= --count= --timeout= --drop --close --size=
            --existing --unlink --progress --json --help'
        short='-n -t -s'
        ;;
    bridge)
        options='--help'
        ;;
    perf)
        options='--size= --rounds= --seconds= --json --help'
        short='-s'
        ;;
    ls)
        options='--all --dir= --json --help'
        short='-d'
        ;;
    stat)
        options='--watch --interval= --count= --json --prometheus --help'
        short='-i'
        ;;
    doctor)
        options='--dir= --quiet --json --help'
        short='-d'
        ;;
    recover)
        options='--yes --force --json --help'
        ;;
    rm)
        options='--force --json --help'
        ;;
    prune)
        options='--yes --keep-unread --unused --dir= --json --help'
        short='-d'
        ;;
    dump)
        options='--words= --before= --bytes= --json --help'
        short='-n -b -s'
        ;;
    *)
        return
        ;;
    esac

    # bash takes "--size=1M" for three words.
    if [ "$cur" = = ]; then
        cur=
        _shmipc_value "$prev"
        return
    fi
    if [ "$prev" = = ]; then
        _shmipc_value "${COMP_WORDS[COMP_CWORD - 2]}"
        return
    fi
    values=" ${options//[$'\n']/ } "
    if [[ " $short " == *" $prev "* || "$values" == *" $prev= "* ]]; then
        _shmipc_value "$prev"
        return
    fi
    case $cur in
    -*)
        COMPREPLY=($(compgen -W "$options" -- "$cur"))
        [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
        return
        ;;
    esac
    case $command in
    perf | ls | doctor) ;;
    replay)
        _shmipc_names
        compopt -o filenames
        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$cur")
        ;;
    bridge)
        if [ "$COMP_CWORD" -eq 2 ]; then
            COMPREPLY=($(compgen -W 'out in run keygen' -- "$cur"))
        else
            _shmipc_names
        fi
        ;;
    *) _shmipc_names ;;
    esac
}

complete -F _shmipc shmipc
