# fish completion for udsd

complete -c udsd -f
complete -c udsd -l listen -r -F -d 'bind this socket'
complete -c udsd -l mode -x -d 'permissions of the sockets'
complete -c udsd -l sink -x -a 'auto journal console' -d 'where entries go'
complete -c udsd -l output -r -F -d 'append entries to a file'
complete -c udsd -l stop-from -x -a '(__fish_complete_users) none' -d 'whose DONE stops udsd'
complete -c udsd -l rate-limit -x -a off -d 'what each sender may send'
complete -c udsd -l cmdline -d 'store the command line of senders'
complete -c udsd -l detach -d 'go into the background'
complete -c udsd -l pidfile -r -F -d 'write the process id to a file'
complete -c udsd -l stats-interval -x -d 'log the counters every so many seconds'
complete -c udsd -l metrics -r -F -d 'write the counters for Prometheus'
complete -c udsd -l check -d 'say whether udsd could start'
complete -c udsd -l version -d 'show the version'
complete -c udsd -s h -l help -d 'show the options'
