# fish completion for chatdnatctl(8)

complete -c chatdnatctl -f
complete -c chatdnatctl -n __fish_use_subcommand -a 'status check show set try confirm save load setup help version --json --help --version'
complete -c chatdnatctl -n '__fish_seen_subcommand_from load' -a '--help'
complete -c chatdnatctl -n '__fish_seen_subcommand_from setup' \
	-a '--relay --wan --address --tunnel --kind --port --allow --dry-run --yes --replace --script --undo --help'
complete -c chatdnatctl -n '__fish_seen_subcommand_from confirm' -a '--revert --help'
complete -c chatdnatctl -n '__fish_seen_subcommand_from set' -a '--confirm --help'
complete -c chatdnatctl -n '__fish_seen_subcommand_from try' -a '--help'
complete -c chatdnatctl -n '__fish_seen_subcommand_from status' -a '--json --help'
complete -c chatdnatctl -n '__fish_seen_subcommand_from check' -a '--json --quiet --probe --help'
complete -c chatdnatctl -n '__fish_seen_subcommand_from help' -a 'status check show set try confirm save load setup'
complete -c chatdnatctl -n '__fish_seen_subcommand_from save' -a '--dry-run --help'
complete -c chatdnatctl -n '__fish_seen_subcommand_from show' \
	-a '--json --names --help stats config version last_error (chatdnatctl show --names 2>/dev/null)'

# The active value, which is the start of most changes, and the other values of a setting.
function __chatdnatctl_values
	chatdnatctl show $argv[1] 2>/dev/null
	switch $argv[1]
		case wan via
			command ls /sys/class/net 2>/dev/null
		case ports
			printf '%s\n' chatmail turn smtp http imap https submissions submission imaps ssh
		case allow
			printf '%s\n' ssh 51820/udp vrrp ospf gre esp
		case scope
			printf '%s\n' local any
		case masquerade
			printf '%s\n' off wan all
		case guard
			printf '%s\n' off forward full strict
		case mss
			printf '%s\n' auto off
		case stale
			printf '%s\n' flush keep
		case enabled hairpin
			printf '%s\n' 0 1
		case log
			printf '%s\n' off drops
		case engine
			printf '%s\n' tracked stateless auto
	end
end

function __chatdnatctl_settings
	set -l word (commandline -ct)
	if string match -q '*=*' -- $word
		set -l name (string split -m 1 = -- $word)[1]
		__chatdnatctl_values $name | string replace -r '^' $name=
	else
		chatdnatctl show --names 2>/dev/null | string replace -r '$' =
	end
end
complete -c chatdnatctl -n '__fish_seen_subcommand_from set try' -a '(__chatdnatctl_settings)'
