# fish completion for chatdnatctl(8)

complete -c chatdnatctl -f
complete -c chatdnatctl -n __fish_use_subcommand -a 'status check show set try confirm save load --json --help --version'
complete -c chatdnatctl -n '__fish_seen_subcommand_from load' -a '--help'
complete -c chatdnatctl -n '__fish_seen_subcommand_from confirm' -a '--revert --help'
complete -c chatdnatctl -n '__fish_seen_subcommand_from set' -a '--confirm --help'
complete -c chatdnatctl -n '__fish_seen_subcommand_from try' -a '--help'
complete -c chatdnatctl -n '__fish_seen_subcommand_from status' -a '--json --help'
complete -c chatdnatctl -n '__fish_seen_subcommand_from check' -a '--json --probe --help'
complete -c chatdnatctl -n '__fish_seen_subcommand_from save' -a '--dry-run --help'
complete -c chatdnatctl -n '__fish_seen_subcommand_from show' \
	-a '--json --names --help stats config version last_error (chatdnatctl show --names 2>/dev/null)'

# The active value is the start of most changes.
function __chatdnatctl_settings
	if string match -q '*=*' -- (commandline -ct)
		chatdnatctl show 2>/dev/null
	else
		chatdnatctl show --names 2>/dev/null | string replace -r '$' =
	end
end
complete -c chatdnatctl -n '__fish_seen_subcommand_from set try' -a '(__chatdnatctl_settings)'
