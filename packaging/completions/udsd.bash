# bash completion for udsd

_udsd() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    # Bash takes --option=value for three words.
    case $cur:$prev in
    =:*) cur='' ;;
    *:=) prev=${COMP_WORDS[COMP_CWORD - 2]} ;;
    esac
    COMPREPLY=()
    case $prev in
    --listen | --output | --pidfile | --metrics)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        ;;
    --sink) mapfile -t COMPREPLY < <(compgen -W 'auto journal console' -- "$cur") ;;
    --stop-from) mapfile -t COMPREPLY < <(compgen -u -W none -- "$cur") ;;
    --rate-limit) mapfile -t COMPREPLY < <(compgen -W off -- "$cur") ;;
    --mode | --stats-interval) ;;
    *)
        [[ $cur != -* ]] || mapfile -t COMPREPLY < <(compgen -W '--listen --mode --sink --output --stop-from
            --rate-limit --cmdline --detach --pidfile --stats-interval --metrics --check --version -h --help' -- "$cur")
        ;;
    esac
}

complete -F _udsd udsd
