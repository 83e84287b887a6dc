# bash completion for udsd-send

_udsd_send() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    # Bash takes --option=value for three words.
    case $cur:$prev in
    =:*) cur='' ;;
    *:=) prev=${COMP_WORDS[COMP_CWORD - 2]} ;;
    esac
    local facilities='kern. user. mail. daemon. auth. syslog. lpr. news. uucp. cron. authpriv. ftp.
        local0. local1. local2. local3. local4. local5. local6. local7.'
    local levels='emerg alert crit err warning notice info debug'
    local fields='MESSAGE_ID= CODE_FILE= CODE_LINE= CODE_FUNC= DOCUMENTATION= ERRNO= TID='
    COMPREPLY=()
    case $prev in
    -p | --priority)
        if [[ $cur == *.* ]]; then
            mapfile -t COMPREPLY < <(compgen -P "${cur%.*}." -W "$levels" -- "${cur##*.}")
        else
            mapfile -t COMPREPLY < <(compgen -W "$facilities $levels" -- "$cur")
        fi
        ;;
    -F | --field) mapfile -t COMPREPLY < <(compgen -W "$fields" -- "$cur") ;;
    -f | --file)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        ;;
    -u | --socket)
        compopt -o filenames
        mapfile -t COMPREPLY < <(
            [[ $cur ]] || compgen -G '/run/udsd/*.sock'
            [[ $cur || ! $XDG_RUNTIME_DIR ]] || compgen -G "$XDG_RUNTIME_DIR/udsd/*.sock"
            compgen -f -- "$cur"
        )
        ;;
    -t | --tag | -n | --count | -S | --size | --id | --timeout | --rate) ;;
    *)
        [[ $cur != -* ]] || mapfile -t COMPREPLY < <(compgen -W '-p --priority -t --tag -i --id -F --field --json
            -f --file -e --skip-empty -n --count --done -S --size -u --socket --wait --no-wait --timeout --rate
            -s --stderr -h --help -V --version' -- "$cur")
        ;;
    esac
    [[ ${#COMPREPLY[@]} != 1 || ${COMPREPLY[0]} != *[.=] ]] || compopt -o nospace
}

complete -F _udsd_send udsd-send
