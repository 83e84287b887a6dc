# fish completion for udsd-send

function __udsd_send_priorities
    set -l levels emerg alert crit err warning notice info debug
    printf '%s\n' $levels {kern,user,mail,daemon,auth,syslog,lpr,news,uucp,cron,authpriv,ftp,local(seq 0 7)}.$levels
end

function __udsd_send_sockets
    set -l sockets /run/udsd/*.sock $XDG_RUNTIME_DIR/udsd/*.sock
    printf '%s\n' $sockets
end

complete -c udsd-send -f
complete -c udsd-send -s p -l priority -x -a '(__udsd_send_priorities)' -d 'facility and level'
complete -c udsd-send -s t -l tag -x -d 'the identifier'
complete -c udsd-send -s i -d 'the process id of this udsd-send'
complete -c udsd-send -l id -f -a '(__fish_complete_pids)' -d 'this process id'
complete -c udsd-send -s F -l field -x -a '{MESSAGE_ID,CODE_FILE,CODE_LINE,CODE_FUNC,DOCUMENTATION,ERRNO,TID}=' -d 'a journal field'
complete -c udsd-send -l json -d 'each datagram one JSON object'
complete -c udsd-send -s f -l file -r -F -d 'each line of a file'
complete -c udsd-send -s e -l skip-empty -d 'skip empty lines'
complete -c udsd-send -s n -l count -x -d 'the words, so many times'
complete -c udsd-send -l done -d 'send DONE last'
complete -c udsd-send -s S -l size -x -d 'refused: a message is never cut'
complete -c udsd-send -s u -l socket -r -F -a '(__udsd_send_sockets)' -d 'the socket to send to'
complete -c udsd-send -l wait -d 'wait for room in a full queue'
complete -c udsd-send -l no-wait -d 'give up when the queue is full'
complete -c udsd-send -l timeout -x -d 'give up if the queue has no room for this time'
complete -c udsd-send -l rate -x -d 'so many datagrams a second'
complete -c udsd-send -s s -l stderr -d 'print each message to standard error, too'
complete -c udsd-send -s h -l help -d 'show the options'
complete -c udsd-send -s V -l version -d 'show the version'
